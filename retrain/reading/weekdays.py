"""Splits a weekday off the text of a day: `Mo 01.04.2024`, `2024/04/01(月)`."""

from __future__ import annotations

import re

NAMES = (  # English, German, French, Spanish, Italian, Dutch, Japanese
    "mo mon monday montag lun lundi lunes lunedì lunedi maandag 月 月曜 月曜日",
    "di die tu tue tues tuesday dienstag mar mardi martes martedì martedi ma dinsdag 火 火曜 火曜日",
    "mi mit we wed weds wednesday mittwoch mer mercredi mié miércoles miercoles mercoledì woensdag 水 水曜 水曜日",
    "do don th thu thur thurs thursday donnerstag jeu jeudi jue jueves gio giovedì donderdag 木 木曜 木曜日",
    "fr fre fri friday freitag ven vendredi vie viernes venerdì venerdi vrijdag 金 金曜 金曜日",
    "sa sam sat saturday samstag sonnabend samedi sáb sab sábado sabado sabato zaterdag 土 土曜 土曜日",
    "so son su sun sunday sonntag dim dimanche dom domingo domenica zondag 日 日曜 日曜日",
)
NUMBER = {name: number for number, names in enumerate(NAMES) for name in names.split()}
"""From 0 for Monday, as `date.weekday` counts."""
BEFORE = re.compile(r"[(]?(?P<name>[^\W\d]+)[)]?[.,]{0,2}\s*(?P<day>\S.*)", re.DOTALL)
BEHIND = re.compile(r"(?P<day>.*?\S)(?:,?\s+(?P<word>[^\W\d]+)\.?|\s*[(](?P<name>[^\W\d]+)\.?[)])", re.DOTALL)


def without_weekday(text: str) -> tuple[str, int | None]:
    """The day alone, and its weekday; None if none is beside it."""
    if before := BEFORE.fullmatch(text):
        number = NUMBER.get(before["name"].casefold())
        if number is not None and before["day"][0] not in "-/":
            return before["day"], number
    if behind := BEHIND.fullmatch(text):
        number = NUMBER.get((behind["word"] or behind["name"]).casefold())
        if number is not None:
            return behind["day"], number
    return text, None
