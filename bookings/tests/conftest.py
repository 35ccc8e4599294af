"""Property tests are judged by what they find, not by the clock: a busy machine must not fail one."""

from hypothesis import settings

settings.register_profile("without_deadline", deadline=None)
settings.load_profile("without_deadline")
