package main
import ("context";"fmt";"os";"github.com/compose-spec/compose-go/v2/cli")
func main(){
 o,err:=cli.NewProjectOptions([]string{os.Args[1]}, cli.WithOsEnv, cli.WithInterpolation(true))
 if err!=nil {panic(err)}
 p,err:=o.LoadProject(context.Background())
 if err!=nil {fmt.Println(err);os.Exit(1)}
 b,_:=p.MarshalYAML(); fmt.Println(string(b))
}
