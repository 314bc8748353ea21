// OAuth 2.0 Form Post Response Mode: the answer goes to the app without a click.
document.getElementById("answer").submit();
