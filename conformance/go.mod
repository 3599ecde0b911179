module github.com/bearerproof/bearerproof/conformance

go 1.27.0

require github.com/bearerproof/bearerproof v0.0.0

require (
	github.com/go-jose/go-jose/v4 v4.1.9 // indirect
	golang.org/x/sync v0.25.0 // indirect
)

replace github.com/bearerproof/bearerproof => ../
