#!/usr/bin/env bash
# Makes the source tree importable by a virtual environment: a .pth file and the console script.
# usage: develop_install.sh VENV
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv=$1
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
pth=$site/smallpond_source_tree.pth
script=$venv/bin/smallpond

[ "$(cat "$pth" 2>/dev/null)" = "$PWD/python" ] || echo "$PWD/python" >"$pth"
[ -e "$script" ] && exit 0
echo "Installing $script"
cat >"$script" <<END
#!$PWD/$venv/bin/python
import sys
from smallpond.__main__ import main
sys.exit(main())
END
chmod +x "$script"
