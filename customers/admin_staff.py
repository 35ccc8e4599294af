"""Staff pages of who may sign in and who works where.

Sign-ins (users) belong to the installation, so only superusers see them; who works where is the owners' business: they
invite, give roles, send an invitation again, and let in anew who lost their second step.
"""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from customers import access, staff
from customers.authentication import invitations, proof, recent
from customers.console import MerchantFilter, ScopedAdmin, badge
from customers.console.forms import MembershipForm, NewMembershipForm
from customers.models import Membership, Role

admin.site.unregister(Group)
admin.site.unregister(User)
# allauth's: addresses are not kept apart from accounts, and second factors are nobody's to read.
admin.site.unregister(EmailAddress)
admin.site.unregister(Authenticator)


@admin.register(User)
class UserAdmin(BaseUserAdmin, ScopedAdmin):  # type: ignore[misc]  # Django's own bases differ in type only
    """Sign-ins of the whole installation, for superusers. Groups and single permissions are not used: roles are."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("May sign in", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    def allowed(self, request: HttpRequest, action: str, row: object = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows = User.objects.all()
        return rows if self.allowed(request, "view") else rows.none()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # their name stands under refunds and approvals: deactivate instead


@admin.register(Membership)
class MembershipAdmin(ScopedAdmin):
    """Owners decide who works for their merchant, and as what. The last owner stays."""

    list_display = ("person", "merchant", "role_badge", "standing", "created_at")
    list_filter = ("role", MerchantFilter)
    search_fields = ("user__username", "user__email")
    list_select_related = ("user", "merchant")
    actions_detail = ("send_again", "let_in_anew")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        rows: QuerySet[Membership] = super().get_queryset(request)
        second = Authenticator.objects.filter(user_id=OuterRef("user_id"), type__in=proof.SECOND_FACTORS)
        return rows.annotate(has_second=Exists(second))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = MembershipForm if obj else NewMembershipForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["merchant", "role"] if obj else ["merchant", "email", "name", "role"]

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        if not change:
            obj.user = staff.account_for(email=form.cleaned_data["email"], name=form.cleaned_data["name"])
        super().save_model(request, obj, form, change)
        if not change:
            invitations.send(obj)
            messages.info(request, f"An invitation is on its way to {obj.user.email}.")
        access.forget(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if isinstance(obj, Membership) and staff.is_last_owner(obj):
            return False
        return super().has_delete_permission(request, obj)

    # Columns --------------------------------------------------------------------------------------

    @admin.display(description="Person", ordering="user__username")
    def person(self, row: Membership) -> str:
        return row.user.get_full_name() or row.user.get_username()

    @admin.display(description="Role", ordering="role")
    def role_badge(self, row: Membership) -> SafeString:
        return badge(row.get_role_display(), tone="accent" if row.role == Role.OWNER else "")

    @admin.display(description="Signs in")
    def standing(self, row: Membership) -> SafeString:
        if not row.user.has_usable_password():
            return badge("Invited", tone="warn")
        if getattr(row, "has_second", False):
            return badge("With a second step", tone="good")
        return badge("By password alone")

    # What owners do for a person ------------------------------------------------------------------

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        row = self.get_object(request, str(object_id))
        if row is None or not self.has_change_permission(request, row):
            return []
        wanted = {"send_again": not row.user.has_usable_password(), "let_in_anew": row.has_second}
        found: list[Any] = super().get_actions_detail(request, object_id)
        return [one for one in found if any(wanted[name] and name in one.action_name for name in wanted)]

    def _mine(self, request: HttpRequest, object_id: str) -> Membership:
        row = self.get_object(request, object_id)
        if row is None or not self.has_change_permission(request, row):
            raise PermissionDenied
        return row

    @action(description="Send the invitation again", icon="forward_to_inbox")
    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._mine(request, object_id)
        if request.method == "POST":
            if row.user.has_usable_password():
                messages.info(request, "They have chosen a password already.")
            else:
                invitations.send(row)
                messages.success(request, f"Another invitation is on its way to {row.user.email}.")
            return self._back(row)
        return self._ask(request, row, template="send_again.html", title="Send the invitation again")

    @action(description="Lost phone: let in anew", icon="phonelink_erase")
    def let_in_anew(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._let_in_anew(request, self._mine(request, object_id))

    @recent.recent_authentication_required()
    def _let_in_anew(self, request: HttpRequest, row: Membership) -> HttpResponse:
        if request.method == "POST":
            self._reset(request, row)
            return self._back(row)
        return self._ask(request, row, template="let_in_anew.html", title="Let in anew")

    # unfold's links open these addresses as dialogs; the work is done by POST alone.
    send_again.dialog = {"title": "Send the invitation again", "description": ""}
    let_in_anew.dialog = {"title": "Let in anew", "description": ""}

    def _reset(self, request: HttpRequest, row: Membership) -> None:
        if row.user_id == request.user.pk:
            messages.error(request, "For yourself another owner does it, or the operator.")
            return
        try:
            staff.reset_second_factor(row.user, by=f"user:{request.user.pk}")
        except staff.ResetRefused as refusal:
            messages.error(request, refusal.detail)
            return
        self.log_change(request, row, "Took the second step off: device and codes were lost.")
        messages.success(request, f"A link to begin anew is on its way to {row.user.email}.")

    def _ask(self, request: HttpRequest, row: Membership, *, template: str, title: str) -> HttpResponse:
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET", "POST"])
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "membership": row,
        }
        return TemplateResponse(request, f"admin/customers/membership/{template}", context)

    def _back(self, row: Membership) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:customers_membership_change", args=[row.pk]))
