"""Renders pages of the admin without the parts that are the same on all pages: head, header, the list of models, and
icons. Rendering these is most of the work, and tests that request hundreds of pages check only the rest.
"""

import pytest
from django.contrib import admin
from django.template import Origin, Template, engines

_FRAME = """<title>{% block title %}{% endblock %}</title>
<body class="{% block bodyclass %}{% endblock %}">
{% block nav-breadcrumbs %}{% block breadcrumbs %}{% endblock %}{% endblock %}
{% block messages %}{% for message in messages %}{{ message }}{% endfor %}{% endblock %}
<div id="content" class="{% block coltype %}{% endblock %}">
{% block pretitle %}{% endblock %}
{% block content_title %}<h1>{{ title }}</h1>{% endblock %}
{% block content_subtitle %}<h2>{{ subtitle }}</h2>{% endblock %}
{% block content %}{% block object-tools %}{% endblock %}{{ content }}{% endblock %}
{% block sidebar %}{% endblock %}
</div>
</body>
"""


def leave_out_the_frame(patch: pytest.MonkeyPatch) -> None:
    engine = engines["django"].engine
    [loader] = engine.template_loaders  # Django's cached loader
    frame = Template(_FRAME, Origin("the tests' frame", "admin/base.html"), "admin/base.html", engine)
    patch.setitem(loader.get_template_cache, "admin/base.html", frame)
    patch.setattr(admin.site, "get_app_list", lambda request, app_label=None: [])
