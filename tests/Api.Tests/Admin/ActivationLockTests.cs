using System.Net;
using System.Text.Json.Nodes;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.Admin;

public sealed class ActivationLockTests(AdminServer server)
{
    private const string Code = "0A1C2-D3E4F-5G6H-7J8K-9LMN-PQRT";

    [Fact]
    public async Task The_code_is_kept_sealed_outlives_its_command_and_each_reading_is_a_record_with_a_reason()
    {
        var (pad, uuid) = await Told();
        Assert.True((bool)(await Get(server.Admin, $"{pad.Path}/activation-lock"))["hasCode"]!);

        // It stands at one place only: the answer does not have it any more.
        Assert.DoesNotContain(Code, await server.Admin.GetStringAsync($"{pad.Path}/commands/{uuid}"), StringComparison.Ordinal);
        Assert.Equal(0, await server.Execute($"UPDATE activation_lock_codes SET code = code WHERE device_id = '{pad.Id}' AND instr(code, CAST('{Code}' AS BLOB)) > 0"));
        await server.Execute($"DELETE FROM history WHERE enrolment_id = '{pad.Id}'");

        using var silent = await server.Admin.GetAsync($"{pad.Path}/activation-lock/code");
        await AdminServer.Blames(silent, "reason");
        Assert.Empty(await Readings(pad));
        Assert.Equal(Code, (string?)(await Get(server.Admin, $"{pad.Path}/activation-lock/code?reason=Sold%20to%20a%20parent"))["code"]);
        var record = Assert.Single(await Readings(pad));
        Assert.Equal(("activation-lock-bypass-code", "Sold to a parent", "first administrator"), ((string?)record["detail"], (string?)record["reason"], (string?)record["actorName"]));
        Assert.DoesNotContain(Code, record.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_may_not_see_secrets_does_not_see_it()
    {
        var (pad, _) = await Told();
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);
        using var refused = await viewer.GetAsync($"{pad.Path}/activation-lock/code?reason=curious");
        await AdminServer.Problem(refused, 403);
        Assert.Empty(await Readings(pad));

        using var made = await server.Admin.PostAsync("/api/v1/tokens", AdminServer.Json("""{"name": "keeper", "role": "viewer", "secrets": true}"""));
        using var keeper = server.Client((string)(await AdminServer.Body(made, 201))["token"]!);
        Assert.Equal(Code, (string?)(await Get(keeper, $"{pad.Path}/activation-lock/code?reason=sold"))["code"]);
        using var nobody = await keeper.GetAsync("/api/v1/devices/NOBODY/activation-lock/code?reason=sold");
        await AdminServer.Problem(nobody, 404);
        var other = await server.Enrol();
        using var none = await keeper.GetAsync($"{other.Path}/activation-lock/code?reason=sold");
        await AdminServer.Problem(none, 404);
    }

    [Fact]
    public async Task A_code_stays_until_the_iPad_tells_another_one()
    {
        var (pad, _) = await Told();
        await pad.Answer(await Ask(pad), extra: "<key>ActivationLockBypassCode</key><string></string>");
        await pad.Answer(await Ask(pad), ReportStatus.Error);
        Assert.Equal(Code, (string?)(await Get(server.Admin, $"{pad.Path}/activation-lock/code?reason=a"))["code"]);
        await pad.Answer(await pad.Send("""{"requestType": "ClearActivationLockBypassCode"}"""));
        Assert.NotNull((string?)(await Get(server.Admin, $"{pad.Path}/activation-lock"))["clearedAt"]);
        await pad.Answer(await Ask(pad), extra: "<key>ActivationLockBypassCode</key><string>OTHER</string>");
        var other = await Get(server.Admin, $"{pad.Path}/activation-lock/code?reason=a");
        Assert.Equal(("OTHER", null), ((string?)other["code"], (string?)other["clearedAt"]));
    }

    [Fact]
    public async Task The_page_asks_for_a_reason_before_it_shows_the_code()
    {
        var (pad, _) = await Told();
        var page = await server.Admin.GetStringAsync($"/ipads/{pad.Id}/activation-lock");
        Assert.Contains("Why do you read it?", page, StringComparison.Ordinal);
        Assert.DoesNotContain(Code, page, StringComparison.Ordinal);
        using var silent = await Post(pad, "/activation-lock/code", "");
        Assert.Equal(HttpStatusCode.BadRequest, silent.StatusCode);
        Assert.DoesNotContain(Code, await silent.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var read = await Post(pad, "/activation-lock/code", "sold");
        Assert.Contains(Code, await read.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("no-store", read.Headers.CacheControl?.ToString());
        Assert.Equal("sold", (string?)Assert.Single(await Readings(pad))["reason"]);
    }

    [Fact]
    public async Task A_lost_iPad_is_locked_asked_where_it_is_and_found()
    {
        var pad = await server.Enrol();
        await pad.Tell(new DeviceFacts { IsSupervised = true, IsLost = false });
        var path = $"/ipads/{pad.Id}/lost-mode";
        Assert.Contains("This iPad is not in lost mode.", await server.Admin.GetStringAsync(path), StringComparison.Ordinal);
        using var early = await Post(pad, "/lost-mode/sound", "");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, early.StatusCode);
        Assert.Contains("works in lost mode only", await early.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var empty = await Send(path, ("footnote", "a"));
        Assert.Equal(HttpStatusCode.BadRequest, empty.StatusCode);
        Assert.Contains("id=\"message-error\"", await empty.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        using var enabled = await Send(path, ("message", "Please call."), ("phoneNumber", "+46 8 1"));
        Assert.Equal(HttpStatusCode.SeeOther, enabled.StatusCode);
        await AnswerNext(pad, "EnableLostMode");
        Assert.Contains("This iPad is in lost mode.", await server.Admin.GetStringAsync(path), StringComparison.Ordinal);
        Assert.True((bool?)(await Get(server.Admin, pad.Path))["isLost"]);

        using var asked = await Post(pad, "/lost-mode/locate", "");
        Assert.Equal(HttpStatusCode.SeeOther, asked.StatusCode);
        await AnswerNext(pad, "DeviceLocation", "<key>Latitude</key><real>59.33</real><key>Longitude</key><real>18.06</real><key>HorizontalAccuracy</key><real>12</real>");
        Assert.DoesNotContain("59.33", await server.Admin.GetStringAsync(path), StringComparison.Ordinal);
        using var silent = await Post(pad, "/lost-mode/location", "");
        Assert.Equal(HttpStatusCode.BadRequest, silent.StatusCode);
        using var shown = await Post(pad, "/lost-mode/location", "left on the bus");
        Assert.Contains("href=\"geo:59.33,18.06\"", await shown.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(("location", "left on the bus"), Assert.Single(await Readings(pad)) is var record ? ((string?)record["detail"], (string?)record["reason"]) : default);

        using var found = await Post(pad, "/lost-mode/disable", "");
        Assert.Equal(HttpStatusCode.SeeOther, found.StatusCode);
        await AnswerNext(pad, "DisableLostMode");
        Assert.Contains("This iPad is not in lost mode.", await server.Admin.GetStringAsync(path), StringComparison.Ordinal);
        Assert.Contains("Not known.", await server.Admin.GetStringAsync(path), StringComparison.Ordinal);
    }

    private static Task<string> Ask(TestPad pad) => pad.Send("""{"requestType": "ActivationLockBypassCode"}""");

    private async Task<(TestPad Pad, string Uuid)> Told()
    {
        var pad = await server.Enrol();
        var uuid = await Ask(pad);
        await pad.Answer(uuid, extra: $"<key>ActivationLockBypassCode</key><string>{Code}</string>");
        return (pad, uuid);
    }

    private static async Task AnswerNext(TestPad pad, string requestType, string extra = "")
    {
        var body = System.Text.Encoding.UTF8.GetString((await pad.Idle()).Body!);
        Assert.Contains($"<string>{requestType}</string>", body, StringComparison.Ordinal);
        await pad.Answer(body.Split("<key>CommandUUID</key>")[1].Split("<string>")[1].Split("</string>")[0], extra: extra);
    }

    private async Task<List<JsonNode>> Readings(TestPad pad) =>
        [.. (await Get(server.Admin, $"/api/v1/audit?verb=secret.read&target={pad.Id}"))["items"]!.AsArray().Select(record => record!).Where(record => (string?)record["result"] == "done")];

    private static async Task<JsonObject> Get(HttpClient client, string path)
    {
        using var response = await client.GetAsync(path);
        return await AdminServer.Body(response, 200);
    }

    private Task<HttpResponseMessage> Post(TestPad pad, string path, string reason) => Send($"/ipads/{pad.Id}{path}", ("reason", reason));

    private async Task<HttpResponseMessage> Send(string path, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(fields.Append(("key", Guid.NewGuid().ToString("N"))).Select(field => KeyValuePair.Create(field.Item1, field.Item2)));
        return await server.Admin.PostAsync(path, form);
    }
}
