using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Files of people and classes over HTTP and in the console.</summary>
public sealed class ImportTests(AdminServer server) : IClassFixture<AdminServer>
{
    private const string Path = "/api/v1/people-imports";

    private static string Mark() => Guid.NewGuid().ToString("N")[..12];

    private async Task<string> School(string name, string? code = null)
    {
        using var made = await server.Admin.PostAsync("/api/v1/schools", AdminServer.Json($$"""{"name": "{{name}}", "code": {{(code is null ? "null" : $"\"{code}\"")}}}"""));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    private async Task<HttpResponseMessage> Send(byte[] file, string type = "text/csv", string query = "")
    {
        using var content = new ByteArrayContent(file);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        return await server.Admin.PostAsync(Path + query, content);
    }

    private async Task<JsonObject> Look(string csv, string query = "")
    {
        using var answer = await Send(Encoding.UTF8.GetBytes(csv), query: query);
        return await AdminServer.Body(answer, 201);
    }

    private async Task<JsonObject> Look(byte[] zip)
    {
        using var answer = await Send(zip, "application/zip");
        return await AdminServer.Body(answer, 201);
    }

    private Task<HttpResponseMessage> Apply(JsonObject import, string json = "{}") => server.Admin.PostAsync($"{Path}/{import["id"]}/apply", AdminServer.Json(json));

    private async Task<JsonObject> Applied(JsonObject import, string json = "{}")
    {
        using var answer = await Apply(import, json);
        return await AdminServer.Body(answer, 200);
    }

    private async Task<JsonArray> People(string query)
    {
        using var answer = await server.Admin.GetAsync("/api/v1/people?" + query);
        return (await AdminServer.Body(answer, 200))["items"]!.AsArray();
    }

    private static string Counts(JsonObject import, string of) =>
        string.Join('/', ((string[])["Added", "Changed", "Removed"]).Select(what => (long)import["counts"]![of + what]!));

    private static byte[] Zip(params (string Name, string Text)[] files)
    {
        using var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, text) in files)
            {
                using var stream = zip.CreateEntry(name).Open();
                stream.Write([0xEF, 0xBB, 0xBF]);
                stream.Write(Encoding.UTF8.GetBytes(text));
            }
        }

        return bytes.ToArray();
    }

    /// <summary>As a school's system exports it: a byte order mark, quotation marks, lists in one field, parents, a district.</summary>
    private static byte[] Roster(string mark, string mode = "bulk", string users = "", string enrollments = "") => Zip(
        ("manifest.csv", $"propertyName,value\r\nmanifest.version,1.0\r\noneroster.version,1.1\r\nfile.orgs,bulk\r\nfile.users,{mode}\r\nfile.classes,{mode}\r\nfile.enrollments,{mode}\r\nfile.courses,absent\r\n"),
        ("orgs.csv", $"sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\r\nd{mark},,,District,district,,\r\ns{mark},,,\"School, {mark}\",school,K{mark},d{mark}\r\n"),
        ("academicSessions.csv", $"sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear\r\nt1,,,Year,schoolYear,2026-08-17,2027-06-11,,2027\r\n"),
        ("classes.csv", $"sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds\r\nc{mark},,,7B Mathematics,7,x,MA7B,scheduled,,s{mark},t1\r\n"),
        ("users.csv", $"""
            sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password
            a{mark},,,true,"d{mark},s{mark}",Student,ali,,Ali,Berg,,,Ali.Berg@School.example,,,,7,
            b{mark},,,true,s{mark},teacher,tea,,Tea,"O""Hara",,,,,,,,
            p{mark},,,true,s{mark},parent,,,Pa,Rent,,,,,,,,
            {users}
            """),
        ("enrollments.csv", $"sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\r\n1,,,c{mark},s{mark},a{mark},student,,,\r\n2,,,c{mark},s{mark},b{mark},teacher,true,,\r\n{enrollments}"));

    [Fact]
    public async Task A_list_is_looked_at_and_then_applied_and_once_more_it_changes_nothing()
    {
        var mark = Mark();
        await School($"North {mark}", $"N{mark}");
        var csv = $"id;First name;Last name;Role;School;Class;E-mail\r\n{mark}1;Åsa;Öberg;Elev;n{mark};\"7B; Choir\";ASA{mark}@x.example\r\n{mark}2;Bo;Alm;Teacher;North {mark};7B;\r\n;;;;;;\r\n";
        var look = await Look(csv);
        Assert.Equal(("preview", "csv", false, true), ((string)look["state"]!, (string)look["format"]!, (bool)look["complete"]!, (bool)look["canBeApplied"]!));
        Assert.Equal(("2/0/0", "2/0/0", "3/0/0"), (Counts(look, "people"), Counts(look, "classes"), Counts(look, "members")));
        Assert.Empty(await People("q=" + mark));

        Assert.Equal("applied", (string)(await Applied(look))["state"]!);
        Assert.Equal("applied", (string)(await Applied(look))["state"]!);
        var people = await People("q=" + mark);
        Assert.Equal(["Alm", "Öberg"], people.Select(person => (string)person!["familyName"]!));
        Assert.Equal(($"asa{mark}@x.example", "pupil", $"North {mark}"), ((string)people[1]!["email"]!, (string)people[1]!["role"]!, (string)people[1]!["school"]!));

        var again = await Look(csv);
        Assert.Equal(("0/0/0", "0/0/0", "0/0/0", 2), (Counts(again, "people"), Counts(again, "classes"), Counts(again, "members"), (int)again["counts"]!["peopleUnchanged"]!));
    }

    [Fact]
    public async Task Wrong_lines_are_named_by_line_and_column_and_nothing_is_applied_unless_they_are_left_out()
    {
        var mark = Mark();
        await School($"North {mark}");
        var csv = $"id,given name,family name,role,school,email\n{mark}1,A,B,pupil,North {mark},\n{mark}2,A,B,headmaster,,\n{mark}3,A,B,,Nowhere,\n{mark}4,A,B,,,no address\n,A,B,,,\n{mark}1,A,B,,,\n{mark}5,,,,,\n{mark}6,A,B,,,,,\n";
        var look = await Look(csv);
        Assert.Equal(7, (int)look["faultCount"]!);
        Assert.Equal(["3 role", "4 school", "5 email", "6 id", "7 id", "8 family name", "9 "],
            look["faults"]!.AsArray().Select(fault => $"{fault!["line"]} {fault["column"]}"));
        using var refused = await Apply(look);
        Assert.Equal("invalid-csv", (string?)(await AdminServer.Problem(refused, 422))["code"]);

        var skipped = await Look(csv, "?onError=skip&complete=true");
        Assert.False((bool)skipped["complete"]!);
        await Applied(skipped);
        Assert.Single(await People("q=" + mark));
    }

    /// <summary>With the headings of 1.2: roles stand in a file of their own, and a person's school beside them.</summary>
    private static byte[] Roster12(string mark) => Zip(
        ("manifest.csv", "propertyName,value\r\nmanifest.version,1.0\r\noneroster.version,1.2\r\nfile.orgs,bulk\r\nfile.users,bulk\r\nfile.roles,bulk\r\nfile.classes,bulk\r\nfile.enrollments,bulk\r\nfile.userProfiles,absent\r\n"),
        ("orgs.csv", $"sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\r\ns{mark},,,School {mark},school,K{mark},\r\nt{mark},,,Second {mark},school,T{mark},\r\n"),
        ("classes.csv", $"sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods\r\nc{mark},,,7B,07,x,,homeroom,,s{mark},,,,\r\n"),
        ("users.csv", $"""
            sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns
            a{mark},,,true,ali,,Alexander,Berg,,,ali@school.example,,,p{mark},07,,0f6c,Ali,,,s{mark},
            b{mark},,,true,tea,,Tea,Chur,,,,,,,,,,,,,,
            h{mark},,,true,hed,,Hed,Dorn,,,,,,,,,,,,,,
            o{mark},,,false,out,,Out,Egg,,,,,,,,,,,,,,
            p{mark},,,true,,,Pa,Rent,,,,,,,,,,,,,,
            n{mark},,,true,,,No,Role,,,,,,,,,,,,,,
            """),
        ("roles.csv", $"""
            sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId
            1{mark},,,a{mark},primary,student,2026-08-17,2027-06-11,s{mark},
            2{mark},,,b{mark},secondary,teacher,,,t{mark},
            3{mark},,,b{mark},primary,teacher,,,s{mark},
            4{mark},,,h{mark},primary,principal,,,t{mark},
            5{mark},,,o{mark},primary,student,,,s{mark},
            6{mark},,,p{mark},primary,parent,,,s{mark},
            """),
        ("enrollments.csv", $"sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\r\n1{mark},,,c{mark},s{mark},a{mark},student,,2026-08-17,2027-06-11\r\n2{mark},,,c{mark},s{mark},b{mark},teacher,true,,\r\n"));

    [Fact]
    public async Task A_roster_of_version_1_2_says_roles_and_schools_in_a_file_of_their_own()
    {
        var mark = Mark();
        var look = await Look(Roster12(mark));
        Assert.Equal(["users.csv 7 role"], look["faults"]!.AsArray().Select(fault => $"{fault!["file"]} {fault["line"]} {fault["column"]}"));
        using var skipping = await Send(Roster12(mark), "application/zip", "?onError=skip");
        var applied = await Applied(await AdminServer.Body(skipping, 201));
        Assert.Equal("2/0/0", Counts(applied, "members"));

        var people = new List<JsonNode>();
        foreach (var name in (string[])["Berg", "Chur", "Dorn"]) people.Add(Assert.Single(await People($"q={name}&limit=1000"), person => ((string?)person!["sourceId"])?.EndsWith(mark, StringComparison.Ordinal) == true)!);
        Assert.Equal([("Ali", "pupil", $"School {mark}", "07"), ("Tea", "teacher", $"School {mark}", null), ("Hed", "staff", $"Second {mark}", null)],
            people.Select(person => ((string?)person["givenName"], (string?)person["role"], (string?)person["school"], (string?)person["grade"])));
        Assert.Empty(await People("q=p" + mark));

        Assert.Equal(("0/0/0", "0/0/0"), (Counts(await Look(Roster12(mark)), "people"), Counts(await Look(Roster12(mark)), "members")));
    }

    [Fact]
    public async Task A_roster_brings_schools_people_classes_and_who_is_in_them()
    {
        var mark = Mark();
        var look = await Look(Roster(mark));
        Assert.Equal(("oneRoster", true, 0, 1), ((string)look["format"]!, (bool)look["complete"]!, (int)look["faultCount"]!, (int)look["counts"]!["schoolsAdded"]!));
        Assert.Equal(("2/0/0", "1/0/0", "2/0/0"), (Counts(look, "people"), Counts(look, "classes"), Counts(look, "members")));
        await Applied(look);

        var people = await People($"q={mark}");
        Assert.Equal(["Berg", "O\"Hara"], people.Select(person => (string)person!["familyName"]!));
        Assert.Equal(("ali.berg@school.example", "7", $"School, {mark}"), ((string)people[0]!["email"]!, (string)people[0]!["grade"]!, (string)people[0]!["school"]!));
        using var classes = await server.Admin.GetAsync($"/api/v1/classes?school={people[0]!["schoolId"]}");
        var seven = (await AdminServer.Body(classes, 200))["items"]!.AsArray().Single()!;
        Assert.Equal(("7B Mathematics", "2027-06-11", 1, 1), ((string)seven["name"]!, (string)seven["endsOn"]!, (int)seven["pupils"]!, (int)seven["teachers"]!));

        var again = await Look(Roster(mark));
        Assert.Equal(("0/0/0", "0/0/0", "0/0/0"), (Counts(again, "people"), Counts(again, "classes"), Counts(again, "members")));
    }

    [Fact]
    public async Task A_delta_says_of_each_line_whether_it_goes()
    {
        var mark = Mark();
        await Applied(await Look(Roster(mark, users: string.Concat(Enumerable.Range(0, 20).Select(i => $"m{i}{mark},,,true,s{mark},student,,,More,M{i},,,,,,,7,\n")))));
        var delta = await Look(Roster(mark, "delta", users: $"m3{mark},tobedeleted,,true,s{mark},student,,,More,M3,,,,,,,7,\n", enrollments: $"3,tobedeleted,,c{mark},s{mark},a{mark},student,,,\r\n"));
        Assert.False((bool)delta["complete"]!);
        Assert.Equal("0/0/1", Counts(delta, "people"));
        await Applied(delta);
        Assert.Single(await People($"q={mark}&active=false"));
    }

    [Fact]
    public async Task A_file_that_takes_away_more_than_a_tenth_asks_again()
    {
        var mark = Mark();
        await School($"North {mark}");
        string Line(int i) => $"{mark}{i},A,F{i},North {mark}\n";
        const string Heading = "id,given name,family name,school\n";
        await Applied(await Look(Heading + string.Concat(Enumerable.Range(0, 10).Select(Line)), "?complete=true"));

        var look = await Look(Heading + string.Concat(Enumerable.Range(0, 7).Select(Line)), "?complete=true");
        Assert.True((bool)look["removesMany"]!);
        using var names = await server.Admin.GetAsync($"{Path}/{look["id"]}/people?change=removed");
        Assert.Equal(["F7", "F8", "F9"], (await AdminServer.Body(names, 200))["items"]!.AsArray().Select(name => (string)name!["familyName"]!));
        foreach (var json in (string[])["{}", """{"removals": 2}"""])
        {
            using var refused = await Apply(look, json);
            var problem = await AdminServer.Problem(refused, 409);
            Assert.Equal(("removes-many", 3), ((string)problem["code"]!, (int)problem["found"]!));
        }

        Assert.Equal(10, (await People($"q={mark}&active=true")).Count);
        await Applied(look, """{"removals": 3}""");
        Assert.Equal(7, (await People($"q={mark}&active=true")).Count);
    }

    [Fact]
    public async Task Encodings_of_real_exports_are_read()
    {
        var mark = Mark();
        await School($"Ås {mark}");
        var csv = $"id\tgiven name\tfamily name\tschool\r\n{mark}1\tZoë\tÖberg\tÅs {mark}\r\n";
        Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
        foreach (var (bytes, warns) in ((byte[], bool)[])[
            ([.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(csv)], false), ([.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(csv)], false),
            (Encoding.BigEndianUnicode.GetBytes(csv), false), (Encoding.GetEncoding(1252).GetBytes(csv), true)])
        {
            using var answer = await Send(bytes);
            var look = await AdminServer.Body(answer, 201);
            Assert.Equal((0, 1, warns), ((int)look["faultCount"]!, (int)look["counts"]!["peopleAdded"]!, look["remarks"]!.AsArray().Count > 0));
            using var names = await server.Admin.GetAsync($"{Path}/{look["id"]}/people?change=added");
            Assert.Equal(("Zoë", $"Ås {mark}"), ((await AdminServer.Body(names, 200))["items"]!.AsArray().Select(name => ((string)name!["givenName"]!, (string)name["school"]!)).Single()));
        }
    }

    public static TheoryData<string, string> Unreadable => new()
    {
        { "", "The file is empty" },
        { "name;school\na;b\n", "\"id\" is missing" },
        { "id,id,given name,family name\n1,1,a,b\n", "mean the same" },
    };

    [Theory]
    [MemberData(nameof(Unreadable))]
    public async Task What_is_no_list_is_refused_in_words(string csv, string words)
    {
        using var answer = await Send(Encoding.UTF8.GetBytes(csv));
        Assert.Contains(words, (string)(await AdminServer.Problem(answer, 400))["detail"]!);
    }

    [Fact]
    public async Task Hostile_zips_are_refused()
    {
        using var damaged = await Send("PK\u0003\u0004 and nothing more"u8.ToArray(), "application/zip");
        await AdminServer.Problem(damaged, 400);
        using var none = await Send(Zip(("users.csv", "sourcedId\n1\n")), "application/zip");
        Assert.Contains("orgs.csv", (string)(await AdminServer.Problem(none, 400))["detail"]!);
        using var bomb = await Send(Zip(("orgs.csv", new string(' ', 200 * 1024 * 1024))), "application/zip");
        Assert.Contains("192 MiB", (string)(await AdminServer.Problem(bomb, 400))["detail"]!);
        using var many = await Send(Zip([.. Enumerable.Range(0, 65).Select(i => ($"f{i}.csv", "x"))]), "application/zip");
        await AdminServer.Problem(many, 400);
    }

    [Fact]
    public async Task A_field_a_line_and_a_heading_have_their_bounds_and_the_place_is_named_at_once()
    {
        var mark = Mark();
        const string Orgs = "sourcedId,name,type\no1,North,school\n";
        foreach (var (users, words) in ((string, string)[])[
            ($"sourcedId,role,givenName,familyName\nu1,student,{new string('A', 60_000_000)},B\n", "users.csv, line 2: A field has more than 10,000 characters."),
            ($"sourcedId,role,givenName,familyName\nu1,student,\"A,B\n{string.Concat(Enumerable.Repeat("u2,student,A,B\n", 1000))}", "users.csv, line 2: A field has more than 10,000 characters. Shorten it, or close the quotation mark"),
            ($"sourcedId,role\n\nu1,{string.Join(',', Enumerable.Repeat(new string('A', 9_000), 12))}\n", "users.csv, line 3: It has more than 100,000 characters."),
            ($"sourcedId,role{new string(',', 10_000_000)}\n", "users.csv, line 1: It has more than 100 columns."),
            ("sourcedId,role" + new string('\n', 2_000_001), "users.csv, line 2000001: The file has more than 2,000,000 lines.")])
        {
            var zip = Zip(("orgs.csv", Orgs), ("users.csv", users));
            using var refused = await Send(zip, "application/zip");
            Assert.StartsWith(words, (string)(await AdminServer.Problem(refused, 400))["detail"]!);
        }

        using var list = await Send(Encoding.UTF8.GetBytes($"id,given name,family name\n{mark},A,{new string('B', 10_001)}\n"));
        Assert.StartsWith("Line 2: A field has more than 10,000", (string)(await AdminServer.Problem(list, 400))["detail"]!);
    }

    [Fact]
    public async Task What_stands_over_the_pieces_in_which_a_file_is_read_is_read_as_well()
    {
        var mark = Mark();
        for (var shift = 0; shift < 4; shift++)
        {
            // Two bytes a character, quotation marks and ends of lines at each place.
            var csv = "id,given name,family name\r\n" + new string(' ', shift) + "\r\n" + string.Concat(Enumerable.Range(0, 3_000).Select(i => $"{mark}{shift}-{i},\"Å\"\"é\",\"Ö\r\nB\"\r\n"));
            var look = await Look(csv);
            Assert.Equal(3_000, (int)look["faultCount"]!);
            Assert.All(look["faults"]!.AsArray(), fault => Assert.Equal("family name", (string)fault!["column"]!));
            Assert.Equal(3 + (2 * 99), (int)look["faults"]![99]!["line"]!);
            var right = await Look(csv.Replace("Ö\r\nB", "ÖB", StringComparison.Ordinal));
            Assert.Equal((0, 3_000), ((int)right["faultCount"]!, (int)right["counts"]!["peopleAdded"]!));
        }
    }

    [Theory]
    [InlineData("/api/v1/people-imports", "id,given name,family name\n", 201)]
    [InlineData("/api/v1/placeholder-imports", "serial number\n", 200)]
    public async Task A_list_may_have_24_MiB_and_not_a_byte_more(string path, string heading, int taken)
    {
        var file = new byte[24 * 1024 * 1024];
        file.AsSpan().Fill((byte)' ');
        for (var at = 0; at < file.Length; at += 8_000) file[at] = (byte)'\n';
        Encoding.ASCII.GetBytes(heading).CopyTo(file, 0);
        using (var largest = new ByteArrayContent(file) { Headers = { ContentType = new MediaTypeHeaderValue("text/csv") } })
        {
            using var answer = await server.Admin.PostAsync(path, largest);
            await AdminServer.Body(answer, taken);
        }

        // It asks first, as clients do with large bodies, and sends nothing when it is refused.
        using var larger = new ByteArrayContent([.. file, (byte)' ']) { Headers = { ContentType = new MediaTypeHeaderValue("text/csv") } };
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = larger, Headers = { ExpectContinue = true } };
        using var refused = await server.Admin.SendAsync(request);
        Assert.Contains("at most 25165824 bytes", (string)(await AdminServer.Problem(refused, 413))["detail"]!);

        using var part = new ByteArrayContent(file);
        using var form = new MultipartFormDataContent { { new StringContent(Mark()), "key" }, { part, "file", "people.csv" } };
        var page = path.Contains("people", StringComparison.Ordinal) ? "/people/import" : "/placeholders/import";
        using var upload = new HttpRequestMessage(HttpMethod.Post, page) { Content = form, Headers = { { "Origin", server.Address.GetLeftPart(UriPartial.Authority) } } };
        using var sent = await server.Admin.SendAsync(upload);
        Assert.True(sent.StatusCode is HttpStatusCode.SeeOther or HttpStatusCode.OK, $"{sent.StatusCode}");
    }

    [Fact]
    public async Task In_the_console_the_page_shows_what_would_happen_and_asks()
    {
        var mark = Mark();
        await School($"North {mark}");
        using var file = new ByteArrayContent(Encoding.UTF8.GetBytes($"id,given name,family name,school\n{mark},Ali,Berg{mark},North {mark}\n"));
        using var form = new MultipartFormDataContent { { new StringContent(mark), "key" }, { new StringContent("true"), "complete" }, { file, "file", "people.csv" } };
        using var upload = new HttpRequestMessage(HttpMethod.Post, "/people/import") { Content = form, Headers = { { "Origin", server.Address.GetLeftPart(UriPartial.Authority) } } };
        using var sent = await server.Admin.SendAsync(upload);
        Assert.Equal(HttpStatusCode.SeeOther, sent.StatusCode);
        var page = sent.Headers.Location!.ToString();
        Assert.Contains($"Berg{mark}", await server.Admin.GetStringAsync(page));

        using var apply = new HttpRequestMessage(HttpMethod.Post, page + "/apply")
        {
            Content = new FormUrlEncodedContent([new("key", mark)]),
            Headers = { { "Origin", server.Address.GetLeftPart(UriPartial.Authority) } },
        };
        using var applied = await server.Admin.SendAsync(apply);
        Assert.Equal(HttpStatusCode.SeeOther, applied.StatusCode);
        Assert.Contains("The file is applied", await server.Admin.GetStringAsync(page));
        Assert.Single(await People($"q=berg{mark}"));

        var (_, token) = await server.MakeToken("viewer");
        using var viewer = server.Client(token);
        using var refused = await viewer.GetAsync(page);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        using var rest = await viewer.GetAsync("/api/v1" + page.Replace("/people/imports", "/people-imports", StringComparison.Ordinal));
        await AdminServer.Problem(rest, 403);
    }
}
