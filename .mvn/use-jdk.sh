# Sourced by mvnw and hetermoe: points JAVA_HOME at a JDK 25, or explains what to install.
# Looks at JAVA_HOME first, then at the usual places of Linux distributions, SDKMAN, asdf and macOS.

HETERMOE_JDK=25

jdk_feature() { # prints the feature version of the JDK in $1, nothing where there is none
  [ -x "$1/bin/javac" ] && sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release" 2>/dev/null
}

find_jdk() {
  for candidate in "${JAVA_HOME:-}" /usr/lib/jvm/* /opt/java/* /opt/jdk* /usr/java/* \
    "${HOME:-/nonexistent}"/.sdkman/candidates/java/* "${HOME:-/nonexistent}"/.asdf/installs/java/* \
    "${HOME:-/nonexistent}"/.jdks/* /Library/Java/JavaVirtualMachines/*/Contents/Home; do
    if [ "$(jdk_feature "$candidate")" = "$HETERMOE_JDK" ]; then
      JAVA_HOME="$candidate"
      export JAVA_HOME
      return 0
    fi
  done
  javac_on_path="$(command -v javac 2>/dev/null)" || return 1
  home_on_path="$(dirname "$(dirname "$(readlink -f "$javac_on_path" 2>/dev/null || echo "$javac_on_path")")")"
  if [ "$(jdk_feature "$home_on_path")" = "$HETERMOE_JDK" ]; then
    JAVA_HOME="$home_on_path"
    export JAVA_HOME
    return 0
  fi
  return 1
}

if ! find_jdk; then
  echo "hetermoe: no JDK $HETERMOE_JDK found. Install one (for example Eclipse Temurin $HETERMOE_JDK) and set JAVA_HOME to it." >&2
  exit 2
fi
