module example.com/paperround/verify/interop

go 1.26.0

ignore ./node

require (
	example.com/paperround v0.0.0
	github.com/stretchr/testify v1.12.1
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect

replace example.com/paperround => ../..
