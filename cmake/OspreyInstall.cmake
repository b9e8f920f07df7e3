# Installation: filled in once the library exists.
