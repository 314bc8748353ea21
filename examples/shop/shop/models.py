from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models


class Customers(BaseUserManager):
    def create_user(self, email, password=None, **values):
        customer = self.model(email=self.normalize_email(email), **values)
        customer.set_password(password)
        customer.save()
        return customer

    def create_superuser(self, email, password=None, **values):
        return self.create_user(email, password, is_staff=True, is_superuser=True, **values)


class Customer(AbstractUser):
    username = None
    email = models.EmailField("E-Mail-Adresse", unique=True)
    objects = Customers()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
