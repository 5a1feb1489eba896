using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.Admin;

public sealed class OpenApiTests(AdminServer server)
{
    /// <summary>Set it to 1 to write the copy anew: <c>FLEETMDM_WRITE_OPENAPI=1 dotnet test tests/Api.Tests</c>.</summary>
    private const string Write = "FLEETMDM_WRITE_OPENAPI";

    [Fact]
    public async Task The_copy_in_docs_is_what_the_server_says()
    {
        using var anyone = server.Client();
        var text = await anyone.GetStringAsync("/openapi/v1.json");
        var file = Path.Combine(Path.GetDirectoryName(Here())!, "../../../docs/openapi-v1.json");
        if (Environment.GetEnvironmentVariable(Write) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, text.ReplaceLineEndings("\n").TrimEnd() + "\n");
        }

        Assert.True(
            JsonNode.DeepEquals(JsonNode.Parse(await File.ReadAllTextAsync(file)), JsonNode.Parse(text)),
            $"docs/openapi-v1.json is not what the server says. If the change is meant, run this test with {Write}=1 and look at the difference.");
    }

    [Fact]
    public async Task Every_operation_has_a_summary_a_chapter_and_its_errors()
    {
        using var anyone = server.Client();
        var document = JsonNode.Parse(await anyone.GetStringAsync("/openapi/v1.json"))!;
        foreach (var (path, operations) in document["paths"]!.AsObject())
        {
            foreach (var (method, operation) in operations!.AsObject())
            {
                var name = $"{method} {path}";
                Assert.False(string.IsNullOrEmpty((string?)operation!["summary"]), name);
                Assert.True(operation["tags"] is JsonArray { Count: 1 }, name);
                var answers = operation["responses"]!.AsObject();
                Assert.True(answers.ContainsKey("401") && answers.ContainsKey("503"), name);
                // What is put under a name that nobody has is made.
                if (path.Contains('{') && method != "put") Assert.True(answers.ContainsKey("404"), name);
                // The same file again is the same app: an upload needs no key, and is not held in memory to be compared.
                if (method == "post" && path != "/api/v1/apps") Assert.Contains(operation["parameters"]!.AsArray(), parameter => (string?)parameter!["name"] == "Idempotency-Key");
            }
        }
    }

    [Fact]
    public async Task The_docs_need_no_login_and_nothing_from_elsewhere()
    {
        using var anyone = server.Client();
        var page = await anyone.GetStringAsync("/docs");
        Assert.Contains("/api/v1/devices/{id}/commands", page);
        Assert.Contains("Idempotency-Key", page);
        Assert.DoesNotContain("//", page.Replace("https://", "").Split("<main")[0].Replace("<!doctype html>", ""));
        Assert.All(page.Split("<script ")[1..], script => Assert.StartsWith("src=\"/console/", script, StringComparison.Ordinal));
        Assert.DoesNotContain("<script>", page);
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
