# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Names of months and weekdays, long and short, in the languages of files.

English, German, Spanish, French, Italian, Portuguese, Dutch, the Nordic languages and
Russian. A name that is another month in a further language is none of them.
"""


def _numbered(first, *names):
    return {name: n for n, some in enumerate(names, first) for name in some.split()}


#: lower-case name without a point -> 1 to 12
MONTHS = _numbered(
    1,
    "jan january januar jänner januari enero ene janvier janv gennaio gen janeiro "
    "янв января январь",
    "feb february februar februari febrero février fevrier févr fevr fév febbraio "
    "fevereiro fev фев февр февраля февраль",
    "mar march märz maerz mär mrz maart mrt mars marzo março marco мар марта март",
    "apr april abril abr avril avr aprile апр апреля апрель",
    "may mai mayo mei maj maggio mag maio май мая",
    "jun june juni junio juin giugno giu junho июн июня июнь",
    "jul july juli julio juillet juil luglio lug julho июл июля июль",
    "aug august augustus augusti agosto ago août aout авг августа август",
    "sep sept september septiembre setiembre septembre settembre set setembro сен "
    "сент сентября сентябрь",
    "oct october oktober okt octubre octobre ottobre ott outubro out окт октября "
    "октябрь",
    "nov november noviembre novembre novembro ноя нояб ноября ноябрь",
    "dec december dezember dez diciembre dic décembre decembre déc dicembre dezembro "
    "des desember дек декабря декабрь",
)

#: lower-case name without a point -> 0 for Monday to 6
WEEKDAYS = _numbered(
    0,
    "mon monday mo montag lun lunes lundi lunedì lunedi seg ma maandag mån måndag man "
    "mandag пн понедельник",
    "tue tues tuesday di dienstag mar martes mardi martedì martedi ter dinsdag tis "
    "tisdag tir tirsdag вт вторник",
    "wed wednesday mi mittwoch mié mie miércoles mer mercredi mercoledì mercoledi qua "
    "wo woensdag ons onsdag ср среда",
    "thu thur thurs thursday do donnerstag jue jueves jeu jeudi gio giovedì giovedi "
    "qui donderdag tor torsdag tors чт четверг",
    "fri friday fr freitag vie viernes ven vendredi venerdì venerdi sex vr vrijdag fre "
    "fredag пт пятница",
    "sat saturday sa samstag sáb sab sábado sabado sam samedi sabato za zaterdag lör "
    "lördag lør lørdag сб суббота",
    "sun sunday so sonntag dom domingo dim dimanche domenica zo zondag sön söndag søn "
    "søndag вс воскресенье",
)
