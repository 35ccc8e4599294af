"""`{{ minor|money:currency }}`: templates show amounts, they never compute them."""

from django import template

from core.money import Money, format_minor

register = template.Library()


@register.filter(name="money")
def money(value: int | Money | None, currency: str = "") -> str:
    """Minor units with their currency (or a Money) for people; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, Money):
        return value.format()
    return format_minor(value, currency)
