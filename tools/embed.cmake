# SPDX-License-Identifier: MIT
#
# Writes the bytes of IN as the C array NAME to OUT.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "#include \"report.h\"\n
const unsigned char ${NAME}[] = {\n${bytes}0};\n
const unsigned long ${NAME}_size = sizeof(${NAME}) - 1;\n")
