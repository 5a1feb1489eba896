using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Api.Tests.CheckIn;

public sealed class SqliteClassroomTests(AdministeredOnSqlite server) : ClassroomTests(server), IClassFixture<AdministeredOnSqlite>;

public sealed class PostgresClassroomTests(AdministeredOnPostgreSql server) : ClassroomTests(server), IClassFixture<AdministeredOnPostgreSql>;

/// <summary>Apple's Classroom: from the school's file to the profile on the iPad, by HTTP on both sides.</summary>
public abstract class ClassroomTests(AdministeredServer server)
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1", ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private static readonly TimeSpan Guard = TimeSpan.FromMinutes(3);

    private static string Mark() => Guid.NewGuid().ToString("N")[..10];

    /// <summary>A school with two classes: Tea teaches both, Ali and Bo are in 7B, Cia in 8A.</summary>
    private sealed record District(string Mark, string School)
    {
        public string Person(string number) => Mark + number;
    }

    private async Task<District> Make(bool on = true)
    {
        var mark = Mark();
        var school = (string)(await Post("/api/v1/schools", $$"""{"name": "North {{mark}}"}""", 201))["id"]!;
        await Import(Csv(mark));
        if (on) await Switch(school, true);
        return new District(mark, school);
    }

    private static string Csv(string mark, string more = "", string ali = "Ali") =>
        $"id,given name,family name,role,school,class\n{mark}1,Tea,Lind,teacher,North {mark},7B {mark};8A {mark}\n{mark}2,{ali},Berg,pupil,North {mark},7B {mark}\n{mark}3,Bo,Alm,pupil,North {mark},7B {mark}\n{mark}4,Cia,Ek,pupil,North {mark},8A {mark}\n{more}";

    private async Task Import(string csv)
    {
        var (status, look) = await server.Post("/api/v1/people-imports", Encoding.UTF8.GetBytes(csv), "text/csv");
        Assert.True(status == 201, look.ToJsonString());
        await Post($"/api/v1/people-imports/{look["id"]}/apply", "{}");
    }

    private async Task<JsonNode> Post(string path, string json, int status = 200)
    {
        var (answered, body) = await server.Post(path, json);
        Assert.True(answered == status, $"{path}: {answered} {body}");
        return body;
    }

    private async Task<JsonNode> Put(string path, string json, HttpClient? client = null)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var answer = await (client ?? server.Admin).PutAsync(new Uri(path, UriKind.Relative), content);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {(int)answer.StatusCode} {text}");
        return text.Length == 0 ? new JsonObject() : JsonNode.Parse(text)!;
    }

    private async Task Delete(string path)
    {
        using var answer = await server.Admin.DeleteAsync(new Uri(path, UriKind.Relative));
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private Task<JsonNode> Switch(string school, bool on) => Put($"/api/v1/schools/{school}/classroom", on ? """{"on": true}""" : """{"on": false}""");

    /// <summary>The id of who is called so.</summary>
    private async Task<string> Person(District district, string number) =>
        (string)(await server.Get($"/api/v1/people?q={district.Person(number)}"))["items"]!.AsArray().Single()!["id"]!;

    private async Task<string> Class(string name) => (string)(await server.Get($"/api/v1/classes?q={Uri.EscapeDataString(name)}"))["items"]!.AsArray().Single()!["id"]!;

    private async Task<EnrolledPad> Give(District district, string number, bool supervised = true, string? serial = null)
    {
        var pad = serial is null ? await server.Enrol() : new EnrolledPad(server, Guid.NewGuid().ToString().ToUpperInvariant(), await server.IssueIdentity());
        if (serial is not null)
        {
            Assert.Equal(200, (await server.Put("/mdm/checkin", Message.Of(pad.Udid, "Authenticate", $"<key>OSVersion</key><string>18.3</string><key>SerialNumber</key><string>{serial}</string>"), pad.Certificate)).Status);
            Assert.Equal(200, (await server.Put("/mdm/checkin", Message.TokenUpdate(pad.Udid), pad.Certificate)).Status);
        }

        var command = await pad.Send("DeviceInformation");
        await pad.Idle();
        await pad.Report("Acknowledged", command, $"<key>QueryResponses</key><dict><key>OSVersion</key><string>18.3</string><key>IsSupervised</key><{(supervised ? "true" : "false")}/></dict>");
        await Put($"{pad.Path}/holder", $$"""{"personId": "{{await Person(district, number)}}"}""");
        return pad;
    }

    private sealed record Sent(string Uuid, PlistDictionary Command)
    {
        public string RequestType => Command.GetString("RequestType")!;

        public PlistDictionary Profile
        {
            get
            {
                var cms = new SignedCms();
                cms.Decode(Command.GetData("Payload")!);
                cms.CheckSignature(verifySignatureOnly: true);
                return PlistReader.ReadDictionary(cms.ContentInfo.Content, PlistLimits.Admin);
            }
        }

        public IEnumerable<PlistDictionary> Payloads => Profile.GetArray("PayloadContent")!.OfType<PlistDictionary>();

        public PlistDictionary Education => Payloads.Single(one => one.GetString("PayloadType") == "com.apple.education");

        public string[] Names => [.. Education.GetArray("Users")!.OfType<PlistDictionary>().Select(user => user.GetString("Name")!).Order(StringComparer.Ordinal)];

        public PlistDictionary[] Groups => [.. Education.GetArray("Groups")!.OfType<PlistDictionary>()];

        public PlistDictionary Referred(string uuid) => Payloads.Single(one => one.GetString("PayloadUUID") == uuid);

        public X509Certificate2 Identity
        {
            get
            {
                var payload = Referred(Education.GetString("PayloadCertificateUUID")!);
                Assert.Equal("com.apple.security.pkcs12", payload.GetString("PayloadType"));
                return X509CertificateLoader.LoadPkcs12(payload.GetData("PayloadContent")!, payload.GetString("Password"), X509KeyStorageFlags.EphemeralKeySet);
            }
        }

        public X509Certificate2Collection Anchors(string whose) =>
        [
            .. Education.GetArray($"{whose}PayloadCertificateAnchorUUID")!.Select(uuid => Referred(((PlistString)uuid).Value))
                .Select(payload => X509CertificateLoader.LoadCertificate(payload.GetData("PayloadContent")!)),
        ];
    }

    private static async Task<Sent?> Next(EnrolledPad pad)
    {
        var answer = await pad.Server.Put("/mdm/connect", Message.Report(pad.Udid, "Idle"), pad.Certificate);
        Assert.Equal(200, answer.Status);
        if (answer.Body.Length == 0) return null;
        var command = PlistReader.ReadDictionary(Encoding.UTF8.GetBytes(answer.Body), PlistLimits.Admin);
        return new Sent(command.GetString("CommandUUID")!, command.GetDictionary("Command")!);
    }

    private static async Task<T> Until<T>(Func<Task<T?>> look) where T : class
    {
        using var patience = new CancellationTokenSource(Guard);
        while (true)
        {
            if (await look() is { } found) return found;
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        }
    }

    private static Task<Sent> Woken(EnrolledPad pad) => Until(() => Next(pad));

    /// <summary>It gets a profile and takes it.</summary>
    private static async Task<Sent> Install(EnrolledPad pad)
    {
        var sent = await Woken(pad);
        Assert.Equal("InstallProfile", sent.RequestType);
        Assert.Null(await pad.Report("Acknowledged", sent.Uuid));
        return sent;
    }

    private Task<JsonNode> Of(EnrolledPad pad) => server.Get($"{pad.Path}/classroom");

    /// <summary>Everything that was changed until now has been looked at: an iPad that is given to somebody after it has its profile.</summary>
    private async Task LookedAt(District district)
    {
        var pad = await Give(district, "4");
        await Install(pad);
        await Delete($"{pad.Path}/holder");
        await Woken(pad);
    }

    private static bool Chains(X509Certificate2 certificate, X509Certificate2Collection anchors)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(anchors);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        foreach (var usage in (string[])[ServerAuthentication, ClientAuthentication]) chain.ChainPolicy.ApplicationPolicy.Add(new Oid(usage));
        return chain.Build(certificate);
    }

    [Fact]
    public async Task A_teachers_iPad_gets_her_classes_with_all_pupils_and_a_pupils_iPad_its_own_name_and_the_teachers()
    {
        var district = await Make();
        var (tea, ali) = (await Give(district, "1"), await Give(district, "2"));

        var sent = await Install(tea);

        Assert.Equal("com.fleetmdm.classroom", sent.Profile.GetString("PayloadIdentifier"));
        Assert.Equal([$"7B {district.Mark}", $"8A {district.Mark}"], sent.Groups.Select(group => group.GetString("Name")!).Order(StringComparer.Ordinal));
        Assert.Equal(["Ali Berg", "Bo Alm", "Cia Ek", "Tea Lind"], sent.Names);
        var teacher = await Person(district, "1");
        Assert.Equal(teacher, sent.Education.GetString("UserIdentifier"));
        Assert.All(sent.Groups, group => Assert.Equal([teacher], group.GetArray("LeaderIdentifiers")!.Select(one => ((PlistString)one).Value)));
        var beacons = sent.Groups.Select(group => group.GetInteger("BeaconID")!.Value).ToList();
        Assert.Equal(2, beacons.Distinct().Count());
        Assert.All(beacons, beacon => Assert.InRange(beacon, 1, ushort.MaxValue));

        var pupils = await Install(ali);
        Assert.Equal(["Ali Berg", "Tea Lind"], pupils.Names);
        var group = Assert.Single(pupils.Groups);
        Assert.Equal([await Person(district, "2")], group.GetArray("MemberIdentifiers")!.Select(one => ((PlistString)one).Value));
        Assert.Contains(group.GetInteger("BeaconID")!.Value, beacons);
        Assert.Equal(sent.Education.GetString("OrganizationUUID"), pupils.Education.GetString("OrganizationUUID"));
        Assert.DoesNotContain("Alm<", Encoding.UTF8.GetString(PlistWriter.ToBytes(pupils.Profile)), StringComparison.Ordinal);

        // Each believes the other, by chain, name and usage; and neither passes for the other.
        using var leader = sent.Identity;
        using var member = pupils.Identity;
        Assert.StartsWith("leader", leader.GetNameInfo(X509NameType.SimpleName, false), StringComparison.OrdinalIgnoreCase);
        Assert.StartsWith("member", member.GetNameInfo(X509NameType.SimpleName, false), StringComparison.OrdinalIgnoreCase);
        Assert.True(leader.HasPrivateKey && member.HasPrivateKey);
        Assert.True(Chains(leader, pupils.Anchors("Leader")));
        Assert.True(Chains(member, sent.Anchors("Member")));
        Assert.False(Chains(member, pupils.Anchors("Leader")));
        Assert.False(Chains(leader, sent.Anchors("Member")));

        var state = await Until(async () => await Of(tea) is { } view && (string)view["state"]! == "installed" ? view : null);
        Assert.Equal(("teacher", 2, 4), ((string)state["role"]!, (int)state["classes"]!, (int)state["people"]!));
        Assert.InRange((DateTimeOffset)state["certificateEndsAt"]!, TimeProvider.System.GetUtcNow().AddDays(364), TimeProvider.System.GetUtcNow().AddDays(366));
        var school = await server.Get($"/api/v1/schools/{district.School}/classroom");
        Assert.Equal((1, 1, 0), ((int)school["teacherIPads"]!["installed"]!, (int)school["pupilIPads"]!["installed"]!, (int)school["classesWithoutTeacherIPad"]!));
    }

    [Fact]
    public async Task A_pupil_who_joins_is_sent_to_the_teacher_once_and_the_same_file_again_sends_nothing()
    {
        var district = await Make();
        var (tea, ali) = (await Give(district, "1"), await Give(district, "2"));
        var first = await Install(tea);
        await Install(ali);
        await Import(Csv(district.Mark));
        await LookedAt(district);
        Assert.Null(await Next(tea));
        Assert.Null(await Next(ali));

        await Import(Csv(district.Mark, $"{district.Mark}9,Dan,Ny,pupil,North {district.Mark},7B {district.Mark}\n"));
        var second = await Install(tea);
        Assert.Contains("Dan Ny", second.Names);
        // The other pupils know nothing of it; the class keeps its number.
        await LookedAt(district);
        Assert.Null(await Next(tea));
        Assert.Null(await Next(ali));
        Assert.Equal(first.Groups.Select(group => group.GetInteger("BeaconID")).Order(), second.Groups.Select(group => group.GetInteger("BeaconID")).Order());

        // A name that changes goes to both.
        await Import(Csv(district.Mark, $"{district.Mark}9,Dan,Ny,pupil,North {district.Mark},7B {district.Mark}\n", ali: "Alina"));
        Assert.Contains("Alina Berg", (await Install(tea)).Names);
        Assert.Contains("Alina Berg", (await Install(ali)).Names);

        // Who leaves the class is gone from the teacher's, and has nothing any more.
        await Delete($"/api/v1/classes/{await Class($"7B {district.Mark}")}/members/{await Person(district, "2")}");
        Assert.DoesNotContain("Alina Berg", (await Install(tea)).Names);
        Assert.Equal("RemoveProfile", (await Woken(ali)).RequestType);

        // Who is forgotten is forgotten there too.
        await Delete($"/api/v1/people/{await Person(district, "3")}");
        Assert.DoesNotContain("Bo Alm", (await Install(tea)).Names);
    }

    [Fact]
    public async Task It_is_removed_when_the_iPad_is_returned_and_when_the_school_is_switched_off_and_another_person_gets_their_own()
    {
        var district = await Make();
        var (tea, ali) = (await Give(district, "1"), await Give(district, "2"));
        await Install(tea);
        var before = await Install(ali);

        await Delete($"{ali.Path}/holder");
        var removal = await Woken(ali);
        Assert.Equal(("RemoveProfile", "com.fleetmdm.classroom"), (removal.RequestType, removal.Command.GetString("Identifier")));
        await ali.Report("Acknowledged", removal.Uuid);
        await Until(async () => (string)(await Of(ali))["state"]! == "none" ? "" : null);
        Assert.Contains("Nobody has this iPad", (string)(await Of(ali))["words"]!, StringComparison.Ordinal);

        await Put($"{ali.Path}/holder", $$"""{"personId": "{{await Person(district, "3")}}"}""");
        var after = await Install(ali);
        Assert.Equal(["Bo Alm", "Tea Lind"], after.Names);
        using (var one = before.Identity)
        using (var other = after.Identity) Assert.NotEqual(one.GetPublicKeyString(), other.GetPublicKeyString());

        await Switch(district.School, false);
        foreach (var pad in (EnrolledPad[])[tea, ali]) Assert.Equal("RemoveProfile", (await Woken(pad)).RequestType);
    }

    [Fact]
    public async Task What_was_made_for_one_person_never_reaches_the_next_one()
    {
        var district = await Make();
        var tea = await Give(district, "1");
        var sent = await Woken(tea);
        // The iPad is busy, and the command stays in its queue. Then a pupil gets the iPad.
        await tea.Report("NotNow", sent.Uuid);
        await Put($"{tea.Path}/holder", $$"""{"personId": "{{await Person(district, "2")}}", "returnFirst": true}""");
        await Until(async () => (string?)(await Of(tea))["role"] == "pupil" ? "" : null);

        var next = await Woken(tea);
        Assert.NotEqual(sent.Uuid, next.Uuid);
        Assert.Equal(["Ali Berg", "Tea Lind"], next.Names);
    }

    [Fact]
    public async Task A_list_that_hands_iPads_over_and_is_taken_back_sends_each_person_their_own()
    {
        var district = await Make();
        var serial = "CR" + district.Mark.ToUpperInvariant();
        var dan = (string)(await Post("/api/v1/people", $$"""{"role": "pupil", "givenName": "Dan", "familyName": "Ny", "username": "dan{{district.Mark}}"}""", 201))["id"]!;
        await Put($"/api/v1/classes/{await Class($"7B {district.Mark}")}/members/{dan}", """{"role": "pupil"}""");
        var pad = await Give(district, "2", serial: serial);
        Assert.Contains("Ali Berg", (await Install(pad)).Names);

        var (status, look) = await server.Post("/api/v1/device-imports?handOver=true", Encoding.UTF8.GetBytes($"Serial Number,User Name\n{serial},dan{district.Mark}\n"), "text/csv");
        Assert.True(status == 201, look.ToJsonString());
        await Post($"/api/v1/device-imports/{look["id"]}/apply?handedOver=1", "{}");
        Assert.Equal(["Dan Ny", "Tea Lind"], (await Install(pad)).Names);

        await Post($"/api/v1/device-imports/{look["id"]}/undo", "{}");
        Assert.Equal(["Ali Berg", "Tea Lind"], (await Install(pad)).Names);
    }

    [Fact]
    public async Task A_name_that_no_property_list_can_carry_stops_nobody_and_too_many_classes_take_the_profile_of_the_holder_before()
    {
        var district = await Make();
        var odd = (string)(await Post("/api/v1/people", """{"role": "teacher", "givenName": "O\uFFFEdd", "familyName": "{{{serial}}}"}""", 201))["id"]!;
        await Put($"/api/v1/classes/{await Class($"7B {district.Mark}")}/members/{odd}", """{"role": "teacher"}""");
        var ali = await Give(district, "2");
        Assert.Contains("Odd { { {serial}}}", (await Install(ali)).Names);

        for (var n = 0; n <= 100; n++)
        {
            var made = await Post("/api/v1/classes", $$"""{"name": "C{{n}} {{district.Mark}}", "schoolId": "{{district.School}}"}""", 201);
            await Put($"/api/v1/classes/{made["id"]}/members/{odd}", """{"role": "teacher"}""");
        }

        await Put($"{ali.Path}/holder", $$"""{"personId": "{{odd}}", "returnFirst": true}""");
        // Until the classes are all looked at, it may have been one too few.
        var removal = await Until(async () => await Next(ali) is not { } next ? null : next.RequestType == "RemoveProfile" ? next : await Taken(ali, next));
        Assert.Equal("com.fleetmdm.classroom", removal.Command.GetString("Identifier"));
        await ali.Report("Acknowledged", removal.Uuid);
        var view = await Until(async () => await Of(ali) is { } one && (string)one["state"]! == "notApplicable" ? one : null);
        Assert.Contains("102 classes", (string)view["words"]!, StringComparison.Ordinal);
        Assert.Equal(1, (int)(await server.Get($"/api/v1/schools/{district.School}/classroom"))["teacherIPads"]!["cannot"]!);
    }

    private static async Task<Sent?> Taken(EnrolledPad pad, Sent sent)
    {
        await pad.Report("Acknowledged", sent.Uuid);
        return null;
    }

    [Fact]
    public async Task An_iPad_that_is_not_supervised_is_told_why_not_and_a_school_that_is_off_has_nothing()
    {
        var district = await Make(on: false);
        var ali = await Give(district, "2", supervised: false);
        Assert.Contains("no class of a school that uses Classroom", (string)(await Of(ali))["words"]!, StringComparison.Ordinal);
        await Switch(district.School, true);
        var view = await Until(async () =>
        {
            await Next(ali);
            return await Of(ali) is { } one && (string)one["state"]! == "notApplicable" ? one : null;
        });
        Assert.Contains("not supervised", (string)view["words"]!, StringComparison.Ordinal);
        var school = await server.Get($"/api/v1/schools/{district.School}/classroom");
        Assert.Equal((1, 2), ((int)school["pupilIPads"]!["cannot"]!, (int)school["classesWithoutTeacherIPad"]!));
        var listed = Assert.Single((await server.Get($"/api/v1/schools/{district.School}/classroom/devices?state=notApplicable"))["items"]!.AsArray())!;
        Assert.Equal(ali.Udid, (string)listed["deviceId"]!);
        Assert.Empty((await server.Get($"/api/v1/schools/{district.School}/classroom/devices?state=installed"))["items"]!.AsArray());
    }

    [Fact]
    public async Task Nobody_changes_or_deletes_it_as_an_assignment()
    {
        var district = await Make();
        await Install(await Give(district, "1"));
        const string id = "c1a55000-0000-4000-8000-000000000001";
        Assert.DoesNotContain(id, (await server.Get("/api/v1/assignments?limit=1000")).ToJsonString(), StringComparison.Ordinal);
        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Delete])
        {
            using var answer = await server.Admin.SendAsync(new HttpRequestMessage(method, new Uri($"/api/v1/assignments/{id}", UriKind.Relative)));
            Assert.Equal(404, (int)answer.StatusCode);
        }

        using var retried = await server.Admin.PostAsync(new Uri($"/api/v1/assignments/{id}/retry", UriKind.Relative), null);
        Assert.Equal(404, (int)retried.StatusCode);
    }

    [Fact]
    public async Task A_technician_of_another_school_sees_and_switches_nothing()
    {
        var (own, foreign) = (await Make(on: false), await Make());
        var tea = await Give(foreign, "1");
        await Install(tea);
        var made = await Post("/api/v1/tokens", $$"""{"name": "t{{own.Mark}}", "role": "school-technician", "schools": ["{{own.School}}"]}""", 201);
        using var technician = new HttpClient { BaseAddress = server.Admin.BaseAddress, DefaultRequestHeaders = { Authorization = new("Bearer", (string)made["token"]!) } };
        foreach (var path in (string[])[$"/api/v1/schools/{foreign.School}/classroom", $"/api/v1/schools/{foreign.School}/classroom/devices", $"{tea.Path}/classroom", $"/classroom/{foreign.School}", $"/ipads/{tea.Udid}/classroom"])
        {
            using var answer = await technician.GetAsync(new Uri(path, UriKind.Relative));
            Assert.True((int)answer.StatusCode == 404, $"{path}: {(int)answer.StatusCode}");
        }

        using (var content = new StringContent("""{"on": false}""", Encoding.UTF8, "application/json"))
        using (var refused = await technician.PutAsync(new Uri($"/api/v1/schools/{foreign.School}/classroom", UriKind.Relative), content))
        {
            Assert.Equal(404, (int)refused.StatusCode);
        }

        foreach (var path in (string[])["/api/v1/classroom", "/classroom"])
        {
            var list = await technician.GetStringAsync(new Uri(path, UriKind.Relative));
            Assert.Contains(own.Mark, list, StringComparison.Ordinal);
            Assert.DoesNotContain(foreign.Mark, list, StringComparison.Ordinal);
        }

        Assert.True((bool)(await Put($"/api/v1/schools/{own.School}/classroom", """{"on": true}""", technician))["on"]!);
        Assert.True((bool)(await Put($"/api/v1/schools/{own.School}/classroom", """{"on": true}""", technician))["on"]!);
        Assert.Single((await server.Get($"/api/v1/audit?verb=classroom.switch&target={own.School}"))["items"]!.AsArray());
    }
}
