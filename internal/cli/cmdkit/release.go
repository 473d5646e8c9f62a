package cmdkit

// Version is the release that this source leads to.
const Version = "0.1.0"
