"""Trying the attack corpus against the product as it is started by people: command line, app, service, pages."""
