// Renders a template of Argo CD's notifications as Argo CD does: text/template over the application
// as untyped JSON. Reads {"template": ..., "data": ...} and writes what comes out.
package main

import (
	"encoding/json"
	"log"
	"os"
	"text/template"
)

func main() {
	var input struct {
		Template string         `json:"template"`
		Data     map[string]any `json:"data"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&input); err != nil {
		log.Fatal(err)
	}
	toJSON := func(value any) (string, error) {
		text, err := json.Marshal(value)
		return string(text), err
	}
	functions := template.FuncMap{"toJson": toJSON}
	parsed, err := template.New("body").Funcs(functions).Parse(input.Template)
	if err != nil {
		log.Fatal(err)
	}
	if err := parsed.Execute(os.Stdout, input.Data); err != nil {
		log.Fatal(err)
	}
}
