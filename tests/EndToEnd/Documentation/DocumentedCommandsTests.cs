using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using FleetMdm.EndToEnd.Fleet;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.EndToEnd.Documentation;

/// <summary>The pages' commands for REST, run as they stand there, one after the other, against a real server by a real shell.</summary>
public sealed partial class DocumentedCommandsTests(RunningServer server) : IClassFixture<RunningServer>, IDisposable
{
    /// <summary>The address that the pages name.</summary>
    private const string Example = "https://mdm.district.example:8443";

    /// <summary>The page whose first commands the others build on.</summary>
    private const string Basics = "docs/rest.md";

    /// <summary>As the examples name it.</summary>
    private const string School = "Hillside";

    private static int _ipads = 700_000;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("README.md", 2)]
    [InlineData("docs/rest.md", 12)]
    [InlineData("docs/audit.md", 3)]
    [InlineData("docs/troubleshooting.md", 2)]
    public async Task The_commands_of_a_page_do_what_it_says(string page, int atLeast)
    {
        // It has gone to sleep: what is queued for it can still be cancelled.
        var udid = "";
        await server.RunAsync(async fleet =>
        {
            var ipad = fleet.Add(IPadDescription.Number(Interlocked.Increment(ref _ipads)));
            await ipad.EnrolAsync((await server.Admin.CreateInvitationAsync("Documented", school: School)).Url);
            udid = ipad.Udid;
        });

        Directory.CreateDirectory(_folder.File("data"));
        await File.WriteAllTextAsync(_folder.File("data/admin-token"), server.Process.AdminToken);
        var topic = (await server.Admin.GetAsync("/api/v1/push-certificate"))["topic"]!.GetValue<string>();
        using (var certificate = server.Apns.Authority.MintPushCertificate(topic)) await File.WriteAllTextAsync(_folder.File("push.pem"), certificate.ToPem());
        var basics = await File.ReadAllTextAsync(Repository.File(Basics));
        await File.WriteAllTextAsync(_folder.File("command.plist"), Xml().Matches(basics).First(match => match.Value.Contains("RequestType")).Groups[1].Value);
        await File.WriteAllTextAsync(_folder.File("wifi.mobileconfig"), Xml().Matches(basics).First(match => match.Value.Contains("PayloadType")).Groups[1].Value);

        var preparation = string.Join('\n', Blocks(basics).Where(IsPreparation));
        var variables = new Dictionary<string, string> { ["IPAD"] = udid };
        var ran = 0;
        foreach (var block in Blocks(await File.ReadAllTextAsync(Repository.File(page))).Where(block => !IsPreparation(block) && Calls().IsMatch(block)))
        {
            var (code, output, errors) = await Run($"set -euo pipefail\n{preparation}\n{block}".Replace(Example, server.Url.GetLeftPart(UriPartial.Authority)), variables);
            Assert.True(code == 0, $"{page}:\n{block}\nended with {code}:\n{output}\n{errors}");
            Remember(output, variables);
            ran++;
        }

        Assert.True(ran >= atLeast, $"Only {ran} blocks of {page} were run: they are not read any more as they are written.");
    }

    /// <summary>What the page tells its reader to put into a variable.</summary>
    private static void Remember(string output, Dictionary<string, string> variables)
    {
        JsonDocument answer;
        try
        {
            answer = JsonDocument.Parse(output);
        }
        catch (JsonException)
        {
            // Several answers, or none.
            return;
        }

        using (answer)
        {
            if (answer.RootElement.ValueKind != JsonValueKind.Object) return;
            if (answer.RootElement.TryGetProperty("total", out _)) variables["OPERATION"] = answer.RootElement.GetProperty("id").GetString()!;
            else if (answer.RootElement.TryGetProperty("commandUuid", out var command)) variables["COMMAND"] = command.GetString()!;
        }
    }

    private async Task<(int ExitCode, string Output, string Errors)> Run(string script, Dictionary<string, string> variables)
    {
        var start = new ProcessStartInfo("bash", ["-c", script])
        {
            WorkingDirectory = _folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in variables) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(RunningServer.Guard);
        return (process.ExitCode, await output, await errors);
    }

    private static IEnumerable<string> Blocks(string page) => Shell().Matches(page).Select(match => match.Groups[1].Value);

    /// <summary>Sets what the other commands use.</summary>
    private static bool IsPreparation(string block) => block.Contains("SERVER=", StringComparison.Ordinal) || block.Contains("fleet() {", StringComparison.Ordinal);

    [GeneratedRegex(@"^ *```sh\n(.*?)^ *```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Shell();

    [GeneratedRegex(@"^```xml\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Xml();

    [GeneratedRegex(@"^ *(?:\w+ .*\| *)?(?:curl|fleet) ", RegexOptions.Multiline)]
    private static partial Regex Calls();
}
