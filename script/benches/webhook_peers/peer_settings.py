"""The product's settings with dj-stripe's own webhook view at the URL, and startproject's middleware."""

import os

from config.settings import *  # noqa: F403 - settings of a peer are the product's with a few lines changed
from config.settings import INSTALLED_APPS as _PRODUCTS

_WITHOUT_MIDDLEWARE = "script.benches.webhook_peers.apps.AccountWithoutMiddleware"
INSTALLED_APPS = [_WITHOUT_MIDDLEWARE if app == "allauth.account" else app for app in _PRODUCTS]
ROOT_URLCONF = "script.benches.webhook_peers.peer_urls"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
DJSTRIPE_SUBSCRIBER_CUSTOMER_KEY = None
if os.environ.get("BENCH_PEER") == "djstripe_store":
    DJSTRIPE_WEBHOOK_EVENT_CALLBACK = "script.benches.webhook_peers.store_only.callback"
