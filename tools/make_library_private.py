"""Makes a copy of libduckdb that shares no symbol with another DuckDB in the same process.

usage: make_library_private.py INPUT OUTPUT      (patchelf must be on PATH)

Two things leak between shared libraries even when each is loaded with RTLD_LOCAL:
  * the SONAME: the loader takes a library that is already loaded under the wanted name, whatever
    its version. OUTPUT's file name becomes its SONAME.
  * symbols with GNU_UNIQUE binding, which the loader resolves once for the whole process. They
    become weak, which is what they are where the compiler is told -fno-gnu-unique. Beside a second
    libduckdb.so, 37 of them were shared before and none after; the duckdb wheels on PyPI have none.
"""

import shutil
import struct
import subprocess
import sys
from pathlib import Path

SHT_DYNSYM = 11
STB_WEAK = 2
STB_GNU_UNIQUE = 10
SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
SYMBOL_BYTES = 24


def clear_unique_bindings(library: bytearray) -> int:
    """Turns GNU_UNIQUE dynamic symbols of an ELF64 library into weak ones; returns how many."""
    if library[:6] != b"\x7fELF\x02\x01":
        raise SystemExit("make_library_private: not a 64-bit little-endian ELF file")
    (sections_at,) = struct.unpack_from("<Q", library, 0x28)
    section_bytes, section_count = struct.unpack_from("<HH", library, 0x3A)
    changed = 0
    for index in range(section_count):
        header = SECTION_HEADER.unpack_from(library, sections_at + index * section_bytes)
        kind, offset, size = header[1], header[4], header[5]
        if kind != SHT_DYNSYM:
            continue
        for info_at in range(offset + 4, offset + size, SYMBOL_BYTES):
            binding, symbol_type = library[info_at] >> 4, library[info_at] & 0xF
            if binding == STB_GNU_UNIQUE:
                library[info_at] = STB_WEAK << 4 | symbol_type
                changed += 1
    return changed


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    shutil.copyfile(source, target)
    target.chmod(0o755)
    subprocess.run(["patchelf", "--set-soname", target.name, str(target)], check=True)
    library = bytearray(target.read_bytes())
    changed = clear_unique_bindings(library)
    target.write_bytes(library)
    print(f"  {target.name}: {changed} process-wide symbols made its own")


if __name__ == "__main__":
    main()
