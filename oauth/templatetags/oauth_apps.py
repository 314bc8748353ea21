"""`{% load oauth_apps %}{% presentation client as shown %}`: the logo and the links of an app."""

from django import template

from oauth.models import Client
from oauth.pages import app_presentation
from oauth.pages.app_presentation import Presentation

register = template.Library()


@register.simple_tag
def presentation(client: Client) -> Presentation:
    return app_presentation.of(client)
