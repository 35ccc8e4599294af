"""Settings, all from the environment (`.env.example` lists each variable).

`ENVIRONMENT=development` allows the sandbox in place of Stripe and relaxed cookies; anything else is production and
refuses to start without Stripe's keys and a secret key of its own.
"""

from pathlib import Path

from config import (
    checked,
    content_security,
    cross_origin,
    error_reports,
    logging,
    redis_address,
    rest_api,
    sign_in,
)
from config.console import UNFOLD  # noqa: F401 - the staff console's look and sidebar

BASE_DIR = Path(__file__).resolve().parent.parent
env = checked.Variables()
checked.Variables.read_env(BASE_DIR / ".env", overwrite=False)

ENVIRONMENT = env.str("ENVIRONMENT", "production")
DEVELOPMENT = ENVIRONMENT == "development"
DEBUG = False
required = env.required

SECRET_KEY = required(
    "SECRET_KEY", why="it signs sessions and links.", development="development-only-" + "x" * 50
)
FIELD_ENCRYPTION_KEYS = checked.listed(
    required(
        "FIELD_ENCRYPTION_KEYS",
        why="merchants' gateway secrets are encrypted with it (comma-separated Fernet keys, newest first).",
        development="ZGV2ZWxvcG1lbnQtb25seS1rZXktMzItYnl0ZXMhISE=",
    )
)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if DEVELOPMENT else [])
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
SITE_URL = required(
    "SITE_URL",
    why="links in e-mails and Stripe's way back start with it (https://…).",
    development="http://127.0.0.1:8000",
).rstrip("/")

# Stripe. One pinned API version: an event of another version is stored, flagged and handled by fetching again.
STRIPE_API_VERSION = "2026-08-26.dahlia"
STRIPE_SECRET_KEY = required(
    "STRIPE_SECRET_KEY",
    why="card payments need Stripe's secret key (sk_live_… or sk_test_…).",
    development="sk_test_sandbox00000000000000000",
)
STRIPE_PUBLISHABLE_KEY = required(
    "STRIPE_PUBLISHABLE_KEY",
    why="the pay page needs Stripe's publishable key (pk_live_… or pk_test_…).",
    development="pk_test_sandbox00000000000000000",
)
# Several, comma-separated, while a secret is being rotated.
STRIPE_WEBHOOK_SECRETS = checked.listed(
    required(
        "STRIPE_WEBHOOK_SECRETS",
        why="webhooks are believed only when signed with the endpoint's secret (whsec_…).",
        development="whsec_sandbox0000000000000000",
    )
)
STRIPE_API_BASE = env.str("STRIPE_API_BASE", "https://api.stripe.com").rstrip("/")
STRIPE_JS_URL = env.str("STRIPE_JS_URL", "https://js.stripe.com/dahlia/stripe.js")
STRIPE_PAYMENT_METHOD_CONFIGURATION = env.str("STRIPE_PAYMENT_METHOD_CONFIGURATION", "")
STRIPE_TIMEOUT_SECONDS = env.int("STRIPE_TIMEOUT_SECONDS", 20)
STRIPE_MAX_RETRIES = env.int("STRIPE_MAX_RETRIES", 2)
STRIPE_LIVE_MODE = "_live_" in STRIPE_SECRET_KEY

# dj-stripe mirrors Stripe's objects; its own webhook view and API calls are not used.
STRIPE_LIVE_SECRET_KEY = STRIPE_SECRET_KEY if STRIPE_LIVE_MODE else ""
STRIPE_TEST_SECRET_KEY = "" if STRIPE_LIVE_MODE else STRIPE_SECRET_KEY
if DEVELOPMENT:
    STRIPE_API_HOST = STRIPE_API_BASE
    SILENCED_SYSTEM_CHECKS = ["djstripe.W002"]  # it asks that the host be unset outside DEBUG
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "config.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "corsheaders",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    *sign_in.APPS,
    "djstripe",
    "core",
    "customers",
    "bookings",
    "payments",
    "analytics",
]
# dj-stripe's own migrations cost 40-50 s on every new database: docs/decisions/ tells how this module is kept.
MIGRATION_MODULES = {"djstripe": "payments.djstripe_migrations"}

MIDDLEWARE = [
    # First, so that nothing else runs for Stripe's deliveries.
    "payments.webhooks.WebhookMiddleware",
    "config.health.HealthMiddleware",
    "config.metrics.MetricsMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.request_log.RequestLog",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    *sign_in.MIDDLEWARE,
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "customers.error_pages.merchant",
            ],
        },
    },
]

_database = required(
    "DATABASE_URL",
    why="everything that matters is kept there (postgres://user:password@host:port/name).",
    development="postgres://app@127.0.0.1:5432/app",
)
DATABASES = {"default": env.parsed("DATABASE_URL", env.db_url, default=_database)}
DATABASES["default"]["ATOMIC_REQUESTS"] = False
# A connection is kept for a minute, and checked before it is used again; with a pool, the pool keeps it.
DATABASE_POOL = env.bool("DATABASE_POOL", False)
DATABASES["default"]["CONN_MAX_AGE"] = 0 if DATABASE_POOL else env.int("CONN_MAX_AGE", 60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"].setdefault("OPTIONS", {})
# A server that does not answer is told of soon, to visitors and to /readyz, instead of after the network's minutes.
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", env.int("DATABASE_CONNECT_SECONDS", 5))
if DATABASE_POOL:
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": env.int("DATABASE_POOL_MAX", 4)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = redis_address.for_clients(env.str("REDIS_URL", "redis://127.0.0.1:6379/0"))
# Shared by all processes: throttles and attempts to sign in are counted there. Without it each process counts alone.
CACHES = {
    "default": {
        "BACKEND": "core.cache.SharedCache",
        "LOCATION": redis_address.for_clients(env.str("CACHE_URL", REDIS_URL)),
        "KEY_PREFIX": env.str("CACHE_PREFIX", "tableside"),
    }
}

# How many proxies in front of us are trusted to name the client's address.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)
AUTHENTICATION_BACKENDS = sign_in.BACKENDS
# Staff need a second factor (TOTP or passkey) wherever the money may be real; in development it is only offered.
STAFF_MFA_REQUIRED = env.bool("STAFF_MFA_REQUIRED", not DEVELOPMENT)
vars().update(sign_in.settings(development=DEVELOPMENT, trusted_proxies=TRUSTED_PROXIES))
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

CSRF_FAILURE_VIEW = "customers.error_pages.csrf_failure"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
PHONENUMBER_DEFAULT_REGION = "US"

STATIC_URL = "static/"
STATIC_ROOT = env.path("STATIC_ROOT", str(BASE_DIR / "staticfiles"))
STATICFILES_DIRS = [BASE_DIR / "static"]
# What customers and staff upload: outside the web root, served by views that check who asks.
PRIVATE_MEDIA_ROOT = env.path(
    "PRIVATE_MEDIA_ROOT", str(BASE_DIR / (".dev/private" if DEVELOPMENT else "private"))
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "private": {
        "BACKEND": "core.uploads.PrivateStorage",
        "OPTIONS": {
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEVELOPMENT
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEVELOPMENT

# E-mail: development writes each message to a file, where a person can open it.
EMAIL_FILE_PATH = env.str("EMAIL_FILE_PATH", str(BASE_DIR / ".dev" / "outbox"))
vars().update(
    env.parsed("EMAIL_URL", env.email_url, default="filemail://" if DEVELOPMENT else "smtp://localhost:25")
)
if DEVELOPMENT:
    EMAIL_FILE_PATH = env.str("EMAIL_FILE_PATH", str(BASE_DIR / ".dev" / "outbox"))
EMAIL_TIMEOUT = 20  # A mail server that hangs must not hold a worker for ever.
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Tableside <bookings@tableside.example>")

# Celery: the broker is only a doorbell (docs/decisions/), so tasks carry no work and nothing is lost with it.
CELERY_BROKER_URL = redis_address.for_celery(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = env.str("CELERY_QUEUE", "tableside")
CELERY_TASK_TIME_LIMIT = 300

THROTTLE_BOOKING_PAGE = env.str("THROTTLE_BOOKING_PAGE", "20/min")
vars().update(
    rest_api.settings(
        trusted_proxies=TRUSTED_PROXIES,
        rates={
            "sign_in": env.str("THROTTLE_SIGN_IN", "20/min"),
            "refresh": env.str("THROTTLE_REFRESH", "60/min"),
            "price": env.str("THROTTLE_PRICE", "120/min"),
            "booking": env.str("THROTTLE_BOOKING", "20/min"),
            "payment": env.str("THROTTLE_PAYMENT", "30/min"),
            "claim": env.str("THROTTLE_CLAIM", "10/min"),
            "customer": env.str("THROTTLE_CUSTOMER", "60/min"),
        },
    )
)
vars().update(
    cross_origin.settings(
        origins=env.words("CORS_ALLOWED_ORIGINS"),
        credentials=env.bool("CORS_ALLOW_CREDENTIALS", False),
    )
)
if not DEVELOPMENT:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", True)
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 31536000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"

CONTENT_SECURITY_POLICY = content_security.policy(
    development=DEVELOPMENT, stripe_js_url=STRIPE_JS_URL, stripe_api_base=STRIPE_API_BASE
)
# Prometheus sends it; without it there is no /metrics.
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = ""  # Asking for it would read the session on every page.
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.QUIET
DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = logging.QUIET
DJANGO_STRUCTLOG_CELERY_TASK_RETRY_LOG_LEVEL = logging.QUIET
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
LOGGING = logging.configuration(development=DEVELOPMENT, level=env.str("LOG_LEVEL", "INFO").upper())
# Errors are reported there, without personal data; without it they stay in the log.
SENTRY_DSN = env.str("SENTRY_DSN", "")
checked.check(vars())
if SENTRY_DSN:
    error_reports.start(dsn=SENTRY_DSN, environment=ENVIRONMENT)
