// OAuth 2.0 Form Post Response Mode: sends the response to the app without a click.
document.getElementById("answer").submit();
