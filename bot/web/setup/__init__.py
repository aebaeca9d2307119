"""The pages of `tagline setup`, loaded only while setup is open."""
