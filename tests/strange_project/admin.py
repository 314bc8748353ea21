from django.contrib import admin

from tests.strange_project.models import Member

admin.site.register(Member)
