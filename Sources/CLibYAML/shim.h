// libyaml (Debian: libyaml-dev). Only YAMLSyntax imports this.
#include <yaml.h>
