package diagnose_test

import (
	"fmt"
	"net/http"

	"example.com/paperround/sign"
	"example.com/paperround/verify/diagnose"
)

// A secret read from a file, and a body that went through a JSON encoder.
func ExampleExplain() {
	header := http.Header{}
	header.Set("X-Hub-Signature-256", "sha256=5ccdd8275f57d608741ad8390e42e8696ebfcd85607d9c2ef890769dda8f7568")
	for _, f := range diagnose.Explain(diagnose.Mismatch{
		Scheme:  sign.GitHub(),
		Secrets: []string{"It's a Secret to Everybody\n"},
		Header:  header,
		Body:    []byte("{\n  \"action\": \"opened\"\n}"),
	}) {
		fmt.Println(f)
	}
	// Output:
	// proven: secret-space: The secret has a newline or white space around it, as a file read whole does. Trim it. Together with body-json
	// proven: body-json: The JSON was decoded and encoded again after it was signed (white space). Verify the raw bytes, before any middleware parses them; and let the sender sign the bytes that it sends. Together with secret-space
}
