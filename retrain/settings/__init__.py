"""Every setting: its name, unit, default, what is allowed. Parsed once, then frozen."""

from retrain.settings.groups import SettingInForce, Settings, known_settings, names
from retrain.settings.parsing import mended, parse, under

__all__ = ["SettingInForce", "Settings", "known_settings", "mended", "names", "parse", "under"]
