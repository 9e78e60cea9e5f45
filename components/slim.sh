#!/bin/sh
# Take out of an image's environment what no step reads, then write the byte code of what is left. A root file system
# that is read only cannot keep byte code: without it every step would compile what it imports. Unchecked byte code
# does not depend on when a file was made.
#
#   slim.sh PYTHON [SITE]      SITE: a site-packages folder, by default that of PYTHON
set -eu

python=$1
site=${2:-$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')}
cd "$site"

rm -rf torch/include torch/test torch/share pyarrow/include numpy/_core/include
# The one program in it that is run: it shares tensors between processes.
[ ! -d torch/bin ] || find torch/bin -type f ! -name torch_shm_manager -delete
# Folders named tests alone: torch and numpy import what is in their testing.
find . -depth -type d \( -name tests -o -name __pycache__ \) -exec rm -rf {} +
find . -type f \( -name '*.a' -o -name '*.c' -o -name '*.cpp' -o -name '*.cuh' -o -name '*.h' -o -name '*.hpp' \
  -o -name '*.map' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.pyx' \) -delete
# Templates and old syntax inside packages do not compile, and are never imported.
"$python" -m compileall -qq -j 0 --invalidation-mode unchecked-hash . || true
