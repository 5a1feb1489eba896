using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Tests.Admin;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Devices;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Plist;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Automated;

/// <summary>Automated Device Enrolment as an administrator and an iPad meet it.</summary>
public sealed class AutomatedTests(AutomatedHost host) : IClassFixture<AutomatedHost>
{
    private static int _ipads = 50_000;

    private IPadFleet Fleet(DeviceAuthority? factory) => new(new FleetOptions { Trust = TrustAnchors.FromPem(host.Apple.RootPem), Factory = factory });

    private static VirtualIPad Add(IPadFleet fleet, string os = "18.3") => fleet.Add(IPadDescription.Number(Interlocked.Increment(ref _ipads)) with { OsVersion = os });

    private async Task<(HttpStatusCode Status, string? Type, byte[] Body)> Ask(byte[] body)
    {
        using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/pkcs7-signature") } };
        using var client = host.Server.Client();
        using var answer = await client.PostAsync("/mdm/automated/enroll", content);
        return (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, await answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_service_is_connected_step_by_step_and_its_iPads_stand_on_the_list()
    {
        var profile = (string)(await host.Post("profiles", $$"""{"name": "Pupils {{Guid.NewGuid():N}}", "skipSetupItems": ["AppleID", "Siri"], "supportPhone": "555"}"""))["id"]!;
        var (id, pem) = await host.NewServer(profile);
        Assert.StartsWith("-----BEGIN CERTIFICATE-----", pem, StringComparison.Ordinal);
        Assert.Null((await host.Get($"servers/{id}"))["token"]);
        using var early = await host.Admin.PostAsync($"/api/v1/automated/servers/{id}/sync", null);
        await AdminServer.Problem(early, 409);

        var portal = host.Apple.Portal.AddServer("FleetMdm", pem);
        host.Apple.Portal.Assign(portal, "AUTOONE1", "AUTOONE2");
        using var taken = await host.Upload(id, host.Apple.Portal.DownloadToken(portal));
        await AdminServer.Body(taken, 200);
        await AutomatedHost.Until(async () => (long)(await host.Get($"servers/{id}"))["counts"]!["assigned"]! == 2, "both have their profile");

        var server = await host.Get($"servers/{id}");
        Assert.Equal(("FleetMdm", "Springfield School District", null), ((string?)server["service"]!["name"], (string?)server["service"]!["organization"], server["problem"]));
        Assert.InRange((int)server["token"]!["daysLeft"]!, 363, 365);
        var device = await host.Get("devices/autoone1");
        Assert.Equal(("assigned", "BLUE", profile), ((string?)device["state"], (string?)device["color"], (string?)device["wantedProfileId"]));
        Assert.Equal(["AUTOONE1", "AUTOONE2"], (await host.Get($"devices?server={id}"))["items"]!.AsArray().Select(item => (string?)item!["serialNumber"]));
        Assert.Empty((await host.Get($"devices?server={id}&state=failed"))["items"]!.AsArray());

        using var csv = await host.Admin.GetAsync($"/automated/devices.csv?server={id}");
        Assert.Equal(3, (await csv.Content.ReadAsStringAsync()).Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
        foreach (var path in (string[])["/automated", $"/automated/servers/{id}", $"/automated/servers/{id}/delete", "/automated/devices", "/automated/devices/AUTOONE1", "/automated/profiles", $"/automated/profiles/{profile}", "/automated/held"])
        {
            using var page = await host.Admin.GetAsync(path);
            Assert.True(page.StatusCode == HttpStatusCode.OK, $"{path}: {await page.Content.ReadAsStringAsync()}");
        }

        using var inUse = await host.Admin.DeleteAsync($"/api/v1/automated/profiles/{profile}");
        await AdminServer.Problem(inUse, 409);
        using var gone = await host.Admin.DeleteAsync($"/api/v1/automated/servers/{id}");
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
        Assert.Equal("released", (string?)(await host.Get("devices/AUTOONE1"))["state"]);
    }

    [Fact]
    public async Task A_token_of_another_key_is_refused_in_words_and_nothing_changes()
    {
        var (id, _) = await host.NewServer();
        var (_, other) = await host.NewServer();
        var portal = host.Apple.Portal.AddServer("Other", other);
        using var refused = await host.Upload(id, host.Apple.Portal.DownloadToken(portal));
        var problem = await AdminServer.Problem(refused, 422);
        Assert.Equal("server-token-other-key", (string?)problem["code"]);
        Assert.Contains("another key", (string)problem["detail"]!, StringComparison.Ordinal);
        Assert.Null((await host.Get($"servers/{id}"))["token"]);
    }

    [Fact]
    public async Task A_token_that_ends_within_a_week_stands_on_the_overview()
    {
        var (id, pem) = await host.NewServer();
        var portal = host.Apple.Portal.AddServer("Ending", pem);
        using var taken = await host.Upload(id, host.Apple.Portal.DownloadToken(portal, TimeSpan.FromDays(6.5)));
        await AdminServer.Body(taken, 200);
        using var overview = await host.Admin.GetAsync("/");
        Assert.Contains("until the server token of", await overview.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var gone = await host.Admin.DeleteAsync($"/api/v1/automated/servers/{id}");
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
    }

    [Fact]
    public async Task An_iPad_that_Apple_has_assigned_gets_a_profile_for_itself()
    {
        await host.InstallPushCertificate();
        await using var fleet = Fleet(host.Factory);
        var ipad = Add(fleet);
        await host.Connect(null, ipad.Description.SerialNumber);

        var (status, type, body) = await Ask(OutOfTheBox.MachineInfo(ipad));

        Assert.Equal((HttpStatusCode.OK, "application/x-apple-aspen-config"), (status, type));
        var profile = EnrolmentProfile.Read(ConfigurationProfile.Read(body));
        var key = (await host.Server.Services.GetRequiredService<EnrolmentAuthority>().Get()).ChallengeKey;
        var challenge = OneTimeChallenge.Verify(key, profile.Scep.Challenge, TimeProvider.System.GetUtcNow());
        Assert.Equal(new ProvenDevice(ipad.Udid, ipad.Description.SerialNumber), challenge!.Device);
        var device = await host.Get($"devices/{ipad.Description.SerialNumber}");
        Assert.Equal(("18.3", "the enrolment profile"), ((string?)device["askedOsVersion"], (string?)device["answer"]));
        // It is no invitation that anybody could open.
        using var client = host.Server.Client();
        using var link = await client.GetAsync($"/enroll/{challenge.InvitationId}?profile=plain");
        Assert.Equal(HttpStatusCode.NotFound, link.StatusCode);
        using var invitations = await host.Admin.GetAsync("/api/v1/invitations?limit=1000");
        Assert.DoesNotContain("Automated enrolment", await invitations.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_serial_number_that_no_service_knows_a_stranger_and_noise_are_refused()
    {
        await host.InstallPushCertificate();
        await using var fleet = Fleet(host.Factory);
        await using var strangers = Fleet(null);
        var ipad = Add(fleet);
        var (status, _, body) = await Ask(OutOfTheBox.MachineInfo(ipad));
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Contains($"{ipad.Description.SerialNumber} is on no device management service", Encoding.UTF8.GetString(body), StringComparison.Ordinal);

        var (_, portal) = await host.Connect(null, ipad.Description.SerialNumber);
        var stranger = strangers.Add(ipad.Description);
        (status, _, body) = await Ask(OutOfTheBox.MachineInfo(stranger));
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Contains("not an iPad's of Apple's", Encoding.UTF8.GetString(body), StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.BadRequest, (await Ask(RandomNumberGenerator.GetBytes(200))).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await Ask([])).Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await Ask(new byte[DeviceCertificates.MaxAnswerBytes + 1])).Status);
        var changed = OutOfTheBox.MachineInfo(ipad);
        var at = changed.AsSpan().IndexOf(Encoding.ASCII.GetBytes(ipad.Description.SerialNumber));
        changed[at] ^= 1;
        Assert.Equal(HttpStatusCode.BadRequest, (await Ask(changed)).Status);
        Assert.Equal(HttpStatusCode.OK, (await Ask(OutOfTheBox.MachineInfo(ipad))).Status);

        // Taken from the service there, it enrols here no more.
        var id = (string)(await host.Get($"devices/{ipad.Description.SerialNumber}"))["serverId"]!;
        host.Apple.Portal.Unassign(ipad.Description.SerialNumber);
        await host.Post($"servers/{id}/sync", "", 200);
        await AutomatedHost.Until(async () => (string?)(await host.Get($"devices/{ipad.Description.SerialNumber}"))["state"] == "released", "it is released");
        Assert.Equal(HttpStatusCode.Forbidden, (await Ask(OutOfTheBox.MachineInfo(ipad))).Status);
        Assert.NotNull(portal);
    }

    /// <summary>Who makes the user of an iPad install such a profile gets an answer that the iPad has signed with the same certificate.</summary>
    [Theory]
    [InlineData("18.3", "of-another-server")]
    [InlineData("18.3", null)]
    [InlineData("16.7", "of-another-server")]
    public async Task What_an_iPad_answers_to_the_profile_of_somebody_else_gives_nobody_its_enrolment_profile(string osVersion, string? challenge)
    {
        await host.InstallPushCertificate();
        await using var fleet = Fleet(host.Factory);
        var ipad = Add(fleet, osVersion);
        await host.Connect(null, ipad.Description.SerialNumber);
        var asked = new ProfileServiceRequest(new Uri("https://elsewhere.example/"), ["UDID", "SERIAL", "PRODUCT", "VERSION"], challenge);
        var answer = VirtualFleet.Enrolment.MdmSignature.SignAttached(PlistWriter.Write(asked.Answer(ipad.Description, "iPad")), ipad.DeviceCertificate.Certificate);

        var (status, _, body) = await Ask(answer);

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("the answer to another profile", Encoding.UTF8.GetString(body), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await Ask(OutOfTheBox.MachineInfo(ipad))).Status);
    }

    [Fact]
    public async Task An_old_iPad_is_told_to_update_first_and_one_that_cannot_is_let_in()
    {
        await host.InstallPushCertificate();
        var profile = (string)(await host.Post("profiles", $$"""{"name": "New {{Guid.NewGuid():N}}", "minimumOsVersion": "18.4"}"""))["id"]!;
        await using var fleet = Fleet(host.Factory);
        var (old, older, current) = (Add(fleet, "18.3"), Add(fleet, "16.7"), Add(fleet, "18.4.1"));
        await host.Connect(profile, old.Description.SerialNumber, older.Description.SerialNumber, current.Description.SerialNumber);

        var (status, type, body) = await Ask(OutOfTheBox.MachineInfo(old));
        Assert.Equal((HttpStatusCode.Forbidden, "application/json"), (status, type));
        var refusal = JsonNode.Parse(body)!;
        Assert.Equal(("com.apple.softwareupdate.required", "18.4"), ((string?)refusal["code"], (string?)refusal["details"]!["OSVersion"]));
        Assert.Equal(HttpStatusCode.OK, (await Ask(OutOfTheBox.MachineInfo(older))).Status);
        Assert.Equal(HttpStatusCode.OK, (await Ask(OutOfTheBox.MachineInfo(current))).Status);

        // Another profile, for this one alone.
        var other = (string)(await host.Post("profiles", $$"""{"name": "Any {{Guid.NewGuid():N}}"}"""))["id"]!;
        using var chosen = await host.Admin.PutAsync($"/api/v1/automated/devices/{old.Description.SerialNumber}/profile", AdminServer.Json($$"""{"profileId": "{{other}}"}"""));
        Assert.Equal(other, (string?)(await AdminServer.Body(chosen, 200))["wantedProfileId"]);
        Assert.Equal(HttpStatusCode.OK, (await Ask(OutOfTheBox.MachineInfo(old))).Status);
    }

    [Fact]
    public async Task The_page_of_an_enrolled_iPad_names_its_enrolment_profile_and_that_of_another_iPad_none()
    {
        var name = $"Year 7 {Guid.NewGuid():N}";
        await host.Connect((string)(await host.Post("profiles", $$"""{"name": "{{name}}"}"""))["id"]!, "AUTOPAGE1");
        foreach (var (id, serial) in ((string, string)[])[("AUTOPAGE-UDID-1", "AUTOPAGE1"), ("AUTOPAGE-UDID-2", "AUTOPAGE2")])
        {
            await host.Server.Services.GetRequiredService<IDeviceStore>().Commit(new EnrolmentChange
            {
                Row = new DeviceRow { Id = id, DeviceId = id, Kind = EnrolmentKind.Device, Status = EnrolmentStatus.Enrolled, SerialNumber = serial, Version = 1 },
                WriteId = Guid.NewGuid(),
                At = TimeProvider.System.GetUtcNow(),
            });
        }

        await AutomatedHost.Until(async () => (string?)(await host.Get("devices?limit=200"))["items"]!.AsArray().FirstOrDefault(one => (string?)one!["serialNumber"] == "AUTOPAGE1")?["state"] == "assigned", "Apple has listed it");
        Assert.Contains($"<a href=\"/automated/devices/AUTOPAGE1\">{name}</a>", await host.Admin.GetStringAsync(new Uri("/ipads/AUTOPAGE-UDID-1", UriKind.Relative)), StringComparison.Ordinal);
        Assert.DoesNotContain("<dt>Enrolment profile</dt>", await host.Admin.GetStringAsync(new Uri("/ipads/AUTOPAGE-UDID-2", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_profile_of_a_group_is_assigned_to_iPads_that_nobody_has_seen_yet_and_says_where_it_comes_from()
    {
        var (ofService, ofGroup) = ((string)(await host.Post("profiles", $$"""{"name": "Service {{Guid.NewGuid():N}}"}"""))["id"]!, (string)(await host.Post("profiles", $$"""{"name": "Group {{Guid.NewGuid():N}}"}"""))["id"]!);
        var (_, portal) = await host.Connect(ofService, "AUTOGRP1", "AUTOGRP2");
        using var created = await host.Admin.PostAsync("/api/v1/groups", AdminServer.Json($$"""{"name": "Trolley {{Guid.NewGuid():N}}"}"""));
        var group = (string)(await AdminServer.Body(created, 201))["id"]!;
        using var put = await host.Admin.PostAsync($"/api/v1/groups/{group}/members", AdminServer.Json("""{"iPads": ["autogrp1"]}"""));
        Assert.Equal(1, (int)(await AdminServer.Body(put, 200))["changed"]!);
        using var mistyped = await host.Admin.PostAsync($"/api/v1/groups/{group}/members", AdminServer.Json("""{"iPads": ["AUTOGRP9"]}"""));
        await AdminServer.Blames(mistyped, "iPads");
        using var waiting = await host.Admin.GetAsync($"/api/v1/groups/{group}/waiting");
        Assert.Equal("AUTOGRP1", (string?)Assert.Single((await AdminServer.Body(waiting, 200))["items"]!.AsArray())!["serialNumber"]);

        async Task<HttpResponseMessage> Choose(string id, string json) => await host.Admin.PutAsync($"/api/v1/automated/groups/{id}", AdminServer.Json(json));
        using var chosen = await Choose(group, $$"""{"profileId": "{{ofGroup}}", "priority": 7}""");
        Assert.Equal(HttpStatusCode.NoContent, chosen.StatusCode);
        await AutomatedHost.Until(async () => await host.Get("devices/AUTOGRP1") is var one && (string?)one["wantedFrom"] == "group" && (string?)one["state"] == "assigned", "it has the profile of its group");
        Assert.Equal((group, ofGroup), await host.Get("devices/AUTOGRP1") is var device ? ((string?)device["wantedGroupId"], (string?)device["wantedProfileId"]) : default);
        Assert.Equal("server", (string?)(await host.Get("devices/AUTOGRP2"))["wantedFrom"]);
        await AutomatedHost.Until(() => Task.FromResult(host.Apple.Portal.Activate("AUTOGRP1") is { } taken && ((string)taken["profile_name"]!).StartsWith("Group", StringComparison.Ordinal)), "Apple gives it to the iPad");
        Assert.StartsWith("Service", (string?)host.Apple.Portal.Activate("AUTOGRP2")!["profile_name"], StringComparison.Ordinal);
        Assert.Contains((await host.Get("groups"))["items"]!.AsArray(), one => (string?)one!["groupId"] == group && (int)one["priority"]! == 7);

        foreach (var (path, words) in ((string, string)[])[($"/groups/{group}", "priority 7"), ("/automated/devices/AUTOGRP1", "of the group"), ($"/automated/groups/{group}", "Enrolment profile of"), ("/automated/profiles", "Of a group"), ("/automated/profiles", "Somebody signs in")])
        {
            using var page = await host.Admin.GetAsync(path);
            Assert.Contains(words, await page.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        // The record says the name, and not the id.
        using var audit = await host.Admin.GetAsync($"/api/v1/audit?target={group}&verb=automated.choose");
        Assert.Matches("^Group .*, priority 7$", (string?)Assert.Single((await AdminServer.Body(audit, 200))["items"]!.AsArray())!["detail"]);

        using var nobody = await Choose(Guid.NewGuid().ToString("D"), "{}");
        await AdminServer.Problem(nobody, 404);
        using var wrong = await Choose(group, $$"""{"profileId": "{{ofGroup}}", "priority": 0}""");
        await AdminServer.Blames(wrong, "priority");
        using var unknown = await Choose(group, """{"profileId": "none"}""");
        await AdminServer.Blames(unknown, "profileId");
        using var byRule = await host.Admin.PostAsync("/api/v1/groups", AdminServer.Json($$"""{"name": "Rule {{Guid.NewGuid():N}}", "rule": "supervised"}"""));
        using var refused = await Choose((string)(await AdminServer.Body(byRule, 201))["id"]!, $$"""{"profileId": "{{ofGroup}}"}""");
        Assert.Equal("group-has-rule", (string?)(await AdminServer.Problem(refused, 409))["code"]);
        using var kept = await host.Admin.DeleteAsync($"/api/v1/groups/{group}");
        Assert.Contains("enrolment profile", (string?)(await AdminServer.Problem(kept, 409))["detail"], StringComparison.Ordinal);

        using var cleared = await Choose(group, "{}");
        Assert.Equal(HttpStatusCode.NoContent, cleared.StatusCode);
        await AutomatedHost.Until(async () => (string?)(await host.Get("devices/AUTOGRP1"))["wantedFrom"] == "server", "it has that of its service again");
        using var gone = await host.Admin.DeleteAsync($"/api/v1/groups/{group}");
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
        Assert.NotNull(portal);
    }

    [Theory]
    [InlineData("""{"name": ""}""", "name")]
    [InlineData("""{"name": "x", "removable": false, "supervised": false}""", "removable")]
    [InlineData("""{"name": "x", "sharedIPad": true, "supervised": false, "removable": true}""", "sharedIPad")]
    [InlineData("""{"name": "x", "sharedIPad": true, "awaitConfiguration": false}""", "sharedIPad")]
    [InlineData("""{"name": "x", "language": "sv"}""", "region")]
    [InlineData("""{"name": "x", "language": "svenska", "region": "SE"}""", "language")]
    [InlineData("""{"name": "x", "minimumOsVersion": "new"}""", "minimumOsVersion")]
    [InlineData("""{"name": "x", "minimumOsVersion": " 18.1"}""", "minimumOsVersion")]
    [InlineData("""{"name": "x", "minimumOsVersion": "018.1"}""", "minimumOsVersion")]
    [InlineData("""{"name": "x", "skipSetupItems": ["no name"]}""", "skipSetupItems")]
    [InlineData("""{"name": "x", "signIn": true}""", "signIn")]
    [InlineData("""{"name": "x", "supportPhone": "012345678901234567890123456789012345678901234567890"}""", "supportPhone")]
    public async Task What_Apple_would_refuse_is_said_at_the_field(string json, string field)
    {
        using var answer = await host.Admin.PostAsync("/api/v1/automated/profiles", AdminServer.Json(json));
        await AdminServer.Blames(answer, field);
    }

    [Fact]
    public async Task Of_two_who_change_a_profile_the_later_one_is_told()
    {
        var id = (string)(await host.Post("profiles", $$"""{"name": "Two {{Guid.NewGuid():N}}"}"""))["id"]!;
        async Task<HttpStatusCode> Put(string tag)
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/automated/profiles/{id}") { Content = AdminServer.Json($$"""{"name": "Two {{Guid.NewGuid():N}}"}""") };
            request.Headers.TryAddWithoutValidation("If-Match", tag);
            using var answer = await host.Admin.SendAsync(request);
            return answer.StatusCode;
        }

        Assert.Equal(HttpStatusCode.OK, await Put("\"1\""));
        Assert.Equal(HttpStatusCode.PreconditionFailed, await Put("\"1\""));
        Assert.Equal(HttpStatusCode.OK, await Put("*"));
    }
}
