"""An Azure Resource Manager on the loopback, which the genuine SDKs talk to and which does the work."""

from tests.azure.emulator.emulation import Emulator, emulator

__all__ = ["Emulator", "emulator"]
