import shop.settings
print("web", shop.settings.X)
