# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Country codes, and area codes of North America."""

import re

from ..ingest.dial_plans import dial_plan, trunk_zero_codes

#: assigned country codes of one, two and three digits
COUNTRY_CODES = frozenset(
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 "
    "60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 211 212 213 216 218 220 221 "
    "222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 238 239 240 241 "
    "242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 "
    "263 264 265 266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 "
    "358 359 370 371 372 373 374 375 376 377 378 379 380 381 382 383 385 386 387 389 "
    "420 421 423 500 501 502 503 504 505 506 507 508 509 590 591 592 593 594 595 596 "
    "597 598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 "
    "689 690 691 692 800 808 850 852 853 855 856 870 878 880 881 882 883 886 888 960 "
    "961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 979 992 993 994 "
    "995 996 998".split()
)
#: countries whose numbers keep a 0 behind the country code
WITH_ZERO = frozenset(("39", "225", "241", "242", "378", "379"))
#: none of whose numbers begins with the digits of the country code, as dial plans say
NEVER_DOUBLED = frozenset(
    "1 30 34 40 44 54 57 58 61 64 82 93 211 212 221 224 229 234 235 239 240 242 245 "
    "246 249 254 256 260 264 269 291 350 351 353 354 356 371 375 378 423 504 598 599 "
    "670 672 673 674 675 678 681 682 686 687 689 690 691 852 964 966 967 970 974 975 "
    "993 995".split()
)
_NAMED = re.compile(r"[^\W\d_][^\d()]*\(?\+?([1-9][0-9]{0,2})\)?")
#: area codes of North America, +1
AREA_CODES = frozenset(
    "201 202 203 204 205 206 207 208 209 210 212 213 214 215 216 217 218 219 220 223 "
    "224 225 226 227 228 229 231 234 235 236 239 240 242 246 248 249 250 251 252 253 "
    "254 256 257 260 262 263 264 267 268 269 270 272 274 276 279 281 283 284 289 301 "
    "302 303 304 305 306 307 308 309 310 312 313 314 315 316 317 318 319 320 321 323 "
    "324 325 326 327 329 330 331 332 334 336 337 339 340 341 343 345 346 347 350 351 "
    "352 353 354 360 361 363 364 365 367 368 369 380 382 385 386 401 402 403 404 405 "
    "406 407 408 409 410 412 413 414 415 416 417 418 419 423 424 425 428 430 431 432 "
    "434 435 437 438 440 441 442 443 445 447 448 450 458 463 464 468 469 470 472 473 "
    "474 475 478 479 480 484 501 502 503 504 505 506 507 508 509 510 512 513 514 515 "
    "516 517 518 519 520 530 531 534 539 540 541 548 551 557 559 561 562 563 564 567 "
    "570 571 572 573 574 575 579 580 581 582 584 585 586 587 601 602 603 604 605 606 "
    "607 608 609 610 612 613 614 615 616 617 618 619 620 623 626 628 629 630 631 636 "
    "639 640 641 645 646 647 649 650 651 656 657 658 659 660 661 662 664 667 669 670 "
    "671 672 678 680 681 682 683 684 686 689 701 702 703 704 705 706 707 708 709 712 "
    "713 714 715 716 717 718 719 720 721 724 725 726 727 728 730 731 732 734 737 738 "
    "740 742 743 747 748 753 754 757 758 760 762 763 765 767 769 770 771 772 773 774 "
    "775 778 779 780 781 782 784 785 786 787 800 801 802 803 804 805 806 807 808 809 "
    "810 812 813 814 815 816 817 818 819 820 821 825 826 828 830 831 832 833 835 838 "
    "839 840 843 844 845 847 848 850 854 855 856 857 858 859 860 862 863 864 865 866 "
    "867 868 869 870 872 873 876 877 878 879 888 900 901 902 903 904 905 906 907 908 "
    "909 910 912 913 914 915 916 917 918 919 920 925 928 929 930 931 934 936 937 938 "
    "939 940 941 942 943 945 947 948 949 951 952 954 956 959 970 971 972 973 975 978 "
    "979 980 983 984 985 986 989".split()
)


def country_of(code):
    """The country code that a code begins with; empty where none is assigned."""
    return next((code[:n] for n in (1, 2, 3) if code[:n] in COUNTRY_CODES), "")


def may_be_code(digits):
    """Whether digits may be a whole code: of no area code of +1 is 0 or 1 the first."""
    return bool(country_of(digits)) and not digits.startswith(("10", "11"))


def country_code_of(text):
    """The digits of a country code: `44`, `+44`, `0044`, `UK (44)`, `GB`.

    :return: empty where the text is none
    """
    name = text.strip().upper()
    if re.fullmatch("[A-Z]{2}", name):
        try:
            return dial_plan({"EL": "GR"}.get(name, name)).country_code
        except ValueError:
            return ""
    if named := _NAMED.fullmatch(text.strip()):
        return named[1] if named[1] in COUNTRY_CODES else ""
    digits = re.sub(r"\.0$", "", text).lstrip("+").replace(" ", "")
    digits = re.sub(r"^00(?=[1-9])", "", digits)
    digits = re.sub(r"^(1)-(?=[2-9][0-9]{2}$)", r"\1", digits)
    return digits if re.fullmatch(r"[1-9][0-9]{0,6}", digits) else ""


def without_zero(country, code):
    """A code without the 0 that is dialed before it within the country.

    :return: the code; empty where it is not known whether the 0 belongs to it
    """
    if not code.startswith("0") or country in WITH_ZERO:
        return code
    rest = code[1:]
    has_none = country in trunk_zero_codes() and rest[:1] not in ("", "0")
    return rest if has_none else ""
