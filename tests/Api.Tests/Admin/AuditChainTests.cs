using System.Text.Json.Nodes;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>On a server of its own: a chain is about all records.</summary>
public sealed class AuditChainTests : IAsyncLifetime
{
    private const string Path = "/api/v1/audit";

    private readonly AdminServer _server = new();

    public async ValueTask InitializeAsync() => await _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task<JsonObject> Get(string path)
    {
        using var response = await _server.Admin.GetAsync(path);
        return await AdminServer.Body(response, 200);
    }

    private Task Seal() => _server.Grains.GetGrain<IAuditChainGrain>(0).Seal();

    [Fact]
    public async Task The_tail_gives_every_record_once_whatever_the_pages_and_waits_for_the_next()
    {
        for (var n = 0; n < 7; n++) await _server.MakeToken("viewer", "tail " + n);
        await Seal();
        var (next, numbers, ids) = ("", new List<long>(), new HashSet<string>());
        while (true)
        {
            var page = await Get($"{Path}/tail?limit=3{(next.Length > 0 ? "&after=" + next : "")}");
            next = (string)page["next"]!;
            if (page["items"]!.AsArray() is { Count: 0 }) break;
            foreach (var item in page["items"]!.AsArray())
            {
                numbers.Add((long)item!["number"]!);
                Assert.True(ids.Add((string)item["id"]!));
            }
        }

        Assert.Equal(Enumerable.Range(1, numbers.Count).Select(n => (long)n), numbers);
        Assert.True(numbers.Count >= 7);

        var waits = Get($"{Path}/tail?after={next}&wait=30");
        await _server.MakeToken("viewer", "the newest");
        var newest = Assert.Single((await waits)["items"]!.AsArray())!;
        Assert.Equal(("token.create", "token.change", (long)(numbers[^1] + 1)), ((string)newest["verb"]!, (string)newest["right"]!, (long)newest["number"]!));

        using var other = await _server.Admin.GetAsync($"{Path}/tail?after=3-0123456789abcdef");
        Assert.Equal("cursor-gone", (string)(await AdminServer.Problem(other, 410))["code"]!);
        using var none = await _server.Admin.GetAsync($"{Path}/tail?after=yesterday");
        await AdminServer.Problem(none, 400);
    }

    [Fact]
    public async Task A_record_that_was_changed_in_the_database_is_named_by_REST_and_by_the_page()
    {
        await _server.MakeToken("viewer", "the one");
        await Seal();
        var whole = await Get($"{Path}/verification");
        Assert.Equal("whole", (string)whole["state"]!);
        Assert.True((long)whole["waiting"]! >= 0);
        using (var beyond = await _server.Admin.GetAsync($"{Path}/verification?after=100000"))
            Assert.Equal("invalid-cursor", (string)(await AdminServer.Problem(beyond, 400))["code"]!);
        Assert.Contains("The audit is whole", await _server.Admin.GetStringAsync("/audit/verification"));
        var witness = (string)whole["head"]!;
        Assert.True((bool)(await Get($"{Path}/verification?witness={witness}"))["witness"]!["holds"]!);
        Assert.False((bool)(await Get($"{Path}/verification?witness={witness[..^4]}0000"))["witness"]!["holds"]!);

        await _server.Execute("DROP TRIGGER audit_rows_are_not_changed");
        Assert.Equal(1, await _server.Execute("UPDATE audit SET detail = 'another' WHERE verb = 'token.create' AND detail LIKE 'the one%'"));

        var broken = await Get($"{Path}/verification");
        Assert.Equal(("broken", "changed"), ((string)broken["state"]!, (string)broken["break"]!["kind"]!));
        Assert.Contains("was changed", await _server.Admin.GetStringAsync("/audit/verification"));
    }

    [Fact]
    public async Task Records_are_exported_as_lines_of_JSON_and_as_CSV_without_formulas()
    {
        await _server.MakeToken("viewer", "=HYPERLINK(1)");

        var lines = (await _server.Admin.GetStringAsync($"{Path}/export?format=jsonl&verb=token.create")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).ToList();
        var csv = await _server.Admin.GetStringAsync($"{Path}/export?verb=token.create");

        Assert.Contains(lines, line => ((string?)line["detail"])?.StartsWith("=HYPERLINK", StringComparison.Ordinal) == true && (string?)line["right"] == "token.change");
        Assert.Contains(",'=HYPERLINK", csv);
        Assert.Equal(lines.Count + 1, csv.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
        using var wrong = await _server.Admin.GetAsync($"{Path}/export?format=xml");
        await AdminServer.Blames(wrong, "format");
    }

    [Fact]
    public async Task A_record_says_which_right_was_needed_also_when_it_was_refused()
    {
        var pad = await _server.Enrol();
        await pad.Send("""{"requestType": "EraseDevice"}""");
        var (id, token) = await _server.MakeToken("helpdesk");
        using var helpdesk = _server.Client(token);
        using var refused = await helpdesk.PostAsync($"{pad.Path}/commands", AdminServer.Json("""{"requestType": "EraseDevice"}"""));
        await AdminServer.Problem(refused, 403);

        var records = (await Get($"{Path}?target={pad.Id}&verb=command.send"))["items"]!.AsArray();
        Assert.Equal([("refused", "command.erase"), ("done", "command.erase")], records.Select(record => ((string)record!["result"]!, (string)record["right"]!)));
        Assert.Equal(id, (string)records[0]!["actorId"]!);
    }
}
