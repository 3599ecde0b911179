module github.com/bearerproof/bearerproof/conformance

go 1.27.0

require (
	github.com/bearerproof/bearerproof v0.0.0
	github.com/bearerproof/bearerproof/adapters/chiauth v0.0.0
	github.com/bearerproof/bearerproof/adapters/grpcauth v0.0.0
	github.com/c2sp/wycheproof v0.0.0-20260902155932-3fa63dd0344a
	github.com/go-chi/chi/v5 v5.5.0
	github.com/go-jose/go-jose/v4 v4.1.9
	golang.org/x/net v0.60.0
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1
	google.golang.org/grpc v1.85.0
	google.golang.org/protobuf v1.36.12
)

require (
	golang.org/x/sync v0.25.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/text v0.42.0 // indirect
)

replace github.com/bearerproof/bearerproof => ../

replace github.com/bearerproof/bearerproof/adapters/chiauth => ../adapters/chiauth

replace github.com/bearerproof/bearerproof/adapters/grpcauth => ../adapters/grpcauth
