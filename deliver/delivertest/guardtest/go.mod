module example.com/paperround/deliver/delivertest/guardtest

go 1.26.0

require (
	code.dny.dev/ssrf v0.3.0
	example.com/paperround v0.0.0
	github.com/stretchr/testify v1.12.1
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect

replace example.com/paperround => ../../..
