module github.com/bearerproof/bearerproof/adapters/chiauth

go 1.27.0

require (
	github.com/bearerproof/bearerproof v0.0.0
	github.com/go-chi/chi/v5 v5.5.0
	go.uber.org/goleak v1.3.0
)

require (
	github.com/go-jose/go-jose/v4 v4.1.9 // indirect
	golang.org/x/sync v0.25.0 // indirect
)

replace github.com/bearerproof/bearerproof => ../../
