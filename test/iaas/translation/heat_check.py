"""Checks Heat templates with Heat's own engine: grammar, resource types, properties, dependencies. One line for each file."""

import sys

from oslo_config import cfg

cfg.CONF([], project="heat", default_config_files=[])

from heat.common import context, template_format
from heat.engine import resources, stack, template

resources.initialise()
caller = context.RequestContext(project_id="project", user_id="user", is_admin=True)
for name in sys.argv[1:]:
    try:
        with open(name, encoding="utf-8") as file:
            parsed = template.Template(template_format.parse(file.read()))
        parsed.validate()
        whole = stack.Stack(caller, "check", parsed, strict_validate=False)
        for definition in whole.t.resource_definitions(whole).values():
            schema = whole.env.get_class(definition.resource_type).properties_schema
            definition.properties(schema, caller).validate(with_value=False)
            definition.validate()
        list(whole.dependencies)
        print("ok")
    except Exception as fault:
        print(str(fault).replace("\n", " "))
