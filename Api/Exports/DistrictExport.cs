using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Assignments;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Exams;
using FleetMdm.Api.Observability;
using FleetMdm.Api.Profiles;
using FleetMdm.Api.Rest;
using FleetMdm.Api.Webhooks;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Exports;
using FleetMdm.Storage.Profiles;

namespace FleetMdm.Api.Exports;

// An export:
//
//   1. turn       one at a time on a node                                                 else 409
//   2. record     who takes everything along; without it nothing leaves                   else 503
//   3. README     what each file is
//   4. tables     ExportTables.All, page by page
//   5. views      what is sealed in the store, as REST shows it, secrets hidden
//   6. profiles   as files; secrets hidden
//   7. manifest   the last file; then the end of the zip
//
// A failure after 2 leaves a second record. What was sent by then has no manifest and no end.

/// <summary>Everything of the district in open formats, without secrets.</summary>
/// <remarks>Each page is read at its own moment, so a slow reader holds nothing open in the database. What changes meanwhile stands as before or after.</remarks>
internal sealed partial class DistrictExport(
    IExportStore store, IAuditStore audit, IProfileStore profiles, AssignmentService assignments, ExamService exams, RoleService roles, TokenService tokens, WebhookService webhooks,
    ExportTurn turns, AuditTrail trail, TimeProvider time, ILogger<DistrictExport> logger)
{
    public const string Kind = "district";

    private const int AtATime = 200;

    /// <summary>All that may be read one by one may be taken along at once: who lacks one of these lacks a part of it.</summary>
    public static readonly string[] Needed =
    [
        Rights.DeviceRead, Rights.OperationRead, Rights.ProfileRead, Rights.AppRead, Rights.SchoolRead, Rights.PeopleReadContact, Rights.InvitationRead, Rights.AutomatedRead, Rights.TokenRead,
        Rights.AccountRead, Rights.AuditRead, Rights.WebhookRead,
        // Without it, nobody sees what an assignment sends.
        Rights.AssignmentChange,
    ];

    /// <summary>What is no table; in their order in the archive.</summary>
    public static readonly IReadOnlyList<(string Name, string Words)> Further =
    [
        ("assignments.jsonl", "An assignment, as at /api/v1/assignments/{id}. Secrets in it are hidden."),
        ("exams.jsonl", "An exam, or the lock of a lesson, as at /api/v1/exams."),
        ("roles.jsonl", "A role and its rights, as at /api/v1/roles."),
        ("tokens.jsonl", "An API token, as at /api/v1/tokens: without the token."),
        ("webhooks.jsonl", "A webhook, as at /api/v1/webhooks: without its secret, and only the server of its address, as the rest may be a key."),
        ("audit-record.jsonl", "Who did what, newest first, as at /api/v1/audit."),
        ("profiles.jsonl", "A profile of the library, as at /api/v1/profiles."),
        ("profiles/", "The newest version of each profile, by its identifier and id. Those whose names end in .without-secrets.mobileconfig have \"(hidden)\" in the place of each secret."),
    ];

    /// <exception cref="ApiProblem">409.</exception>
    public async Task Write(HttpContext context)
    {
        // 1
        using var turn = turns.Enter();
        var (user, stopping) = (FleetUser.Of(context), context.RequestAborted);

        // 2
        await trail.Record(context, AuditVerbs.DistrictExport);

        try
        {
            await Write(context, user, stopping);
        }
        catch
        {
            await NotDone(context);
            throw;
        }
    }

    private async Task Write(HttpContext context, FleetUser user, CancellationToken stopping)
    {
        // 3
        var archive = await ExportArchive.Begin(context, "fleetmdm", time.GetUtcNow());
        await archive.AddText("README.txt", Readme());

        // 4
        foreach (var table in ExportTables.All) await archive.Add(ExportRows.FileOf(table), entry => ExportRows.Write(entry, store, table, stopping));

        // 5
        await archive.Add("assignments.jsonl", entry => ExportRows.Write(entry, assignments.All(WithoutSecrets), AdminJson.Default.AssignmentView));
        await archive.Add("exams.jsonl", entry => ExportRows.Write(entry, Exams(user, stopping), AdminJson.Default.ExamView));
        await archive.Add("roles.jsonl", async entry => await ExportRows.Write(entry, (await roles.List()).ToAsyncEnumerable(), AdminJson.Default.RoleView));
        await archive.Add("tokens.jsonl", async entry => await ExportRows.Write(entry, (await tokens.Views(await tokens.List())).ToAsyncEnumerable(), AdminJson.Default.TokenView));
        await archive.Add("webhooks.jsonl", async entry => await ExportRows.Write(entry, (await webhooks.List()).Select(hook => hook with { Url = new Uri(hook.Url).GetLeftPart(UriPartial.Authority) }).ToAsyncEnumerable(), AdminJson.Default.WebhookView));
        await archive.Add("audit-record.jsonl", entry => ExportRows.Write(entry, Records(stopping), AdminJson.Default.AuditView));

        // 6
        await archive.Add("profiles.jsonl", entry => ExportRows.Write(entry, Profiles(profiles, stopping).Select(ProfileSummary.Of), AdminJson.Default.ProfileSummary));
        await foreach (var profile in ProfileFiles(profiles, stopping))
        {
            await archive.AddBytes(
                FileOf(profile.Row, profile.HasSecrets ? ".without-secrets.mobileconfig" : ".mobileconfig"),
                profile.HasSecrets ? PlistWriter.ToBytes(ProfileSecrets.Hide(profile.Stored.Root)) : profile.Content);
        }

        // 7
        await archive.End(Kind, time.GetUtcNow());
        LogExported(user.Name, archive.Files.Count, archive.Files.Sum(file => file.Rows ?? 0), archive.Files.Sum(file => file.Bytes));
    }

    /// <summary>A second record, as after every change that was begun and then failed.</summary>
    private async Task NotDone(HttpContext context)
    {
        try
        {
            await trail.Write(trail.Entry(context, AuditVerbs.DistrictExport) with { Result = AuditResult.Failed });
        }
        catch (StoreUnavailableException)
        {
            // The reader sees that the archive has no end.
        }
    }

    /// <summary>The library, by name.</summary>
    internal static async IAsyncEnumerable<ProfileRow> Profiles(IProfileStore store, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ProfileRow? last = null;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var rows = await store.List(null, last, AtATime);
            foreach (var row in rows) yield return row;
            if (rows.Count < AtATime) yield break;
            last = rows[^1];
        }
    }

    /// <summary>The newest version of each. What the one archive hides is in the other one.</summary>
    internal static async IAsyncEnumerable<ExportedProfile> ProfileFiles(IProfileStore store, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var row in Profiles(store, cancellation))
        {
            if (await store.Load(row.Id, row.Newest.Version) is { } content) yield return new ExportedProfile(row, content, LibraryProfile.Stored(content));
        }
    }

    /// <summary>No identifier leads out of the folder, and no two profiles have one name.</summary>
    internal static string FileOf(ProfileRow profile, string ending) => $"profiles/{ProfileLibrary.FileName(profile.Identifier)}-{profile.Id}{ending}";

    private async IAsyncEnumerable<ExamView> Exams(FleetUser user, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var lessons in new[] { false, true })
        {
            string? after = null;
            do
            {
                cancellation.ThrowIfCancellationRequested();
                var page = await exams.List(user, null, null, lessons, after, AtATime);
                foreach (var exam in page.Items) yield return exam;
                after = page.Next;
            }
            while (after is not null);
        }
    }

    private async IAsyncEnumerable<AuditView> Records([EnumeratorCancellation] CancellationToken cancellation)
    {
        Guid? before = null;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var rows = await audit.List(AuditFilter.Everything, before, AuditEndpoints.RowsAtATime);
            foreach (var row in rows) yield return AuditView.Of(row);
            if (rows.Count < AuditEndpoints.RowsAtATime) yield break;
            before = rows[^1].Id;
        }
    }

    /// <summary>An app may have a configuration with a password in it. Its keys are the vendor's: no text in it is known to be harmless.</summary>
    internal static JsonElement WithoutSecrets(JsonElement asked)
    {
        const string Vendors = "configuration";
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes)) PlistJson.Write(json, ProfileSecrets.Hide((PlistDictionary)Node(asked)));
        return JsonDocument.Parse(bytes.ToArray()).RootElement.Clone();

        static PlistNode Node(JsonElement value, bool hide = false)
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.Object:
                    var dictionary = new PlistDictionary();
                    foreach (var member in value.EnumerateObject().Where(member => member.Value.ValueKind != JsonValueKind.Null)) dictionary[member.Name] = Node(member.Value, hide || member.Name.Equals(Vendors, StringComparison.OrdinalIgnoreCase));
                    return dictionary;
                case JsonValueKind.Array:
                    return new PlistArray(value.EnumerateArray().Where(item => item.ValueKind != JsonValueKind.Null).Select(item => Node(item, hide)));
                case JsonValueKind.Number:
                    return value.TryGetInt64(out var number) ? new PlistInteger(number) : new PlistReal(value.GetDouble());
                case JsonValueKind.True or JsonValueKind.False:
                    return PlistBoolean.Of(value.GetBoolean());
                default:
                    return hide ? SecretAnswers.Hidden : value.GetString() ?? "";
            }
        }
    }

    private string Readme()
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"""
            Everything of this district, from FleetMdm {FleetStatus.Version}. Begun {Csv.Time(time.GetUtcNow())}.

            Is it whole?   Only with {ExportArchive.Manifest}, the last file. It names each file with its number of rows, its length and its SHA-256.
                           If it is missing, or your program says that the zip is damaged, export again.
            When is it of? Files are read one after the other, a thousand rows at a time. What stood the whole time is in it once. What changed meanwhile stands as
                           before or after. Where that matters, let nobody change anything while you export.
            Secrets        There are none: no tokens, passwords, keys, codes of Activation Lock, locations, and no content or answers of commands.
                           What another server needs to go on with enrolled iPads is an export of its own. See docs/moving.md.
            People         There are names and addresses of people in it. Keep it as you keep those.

            .csv           UTF-8, commas, RFC 4180. The first line names the columns. A text that a spreadsheet would take for a formula begins with an apostrophe.
            .jsonl         UTF-8, one JSON object a line.
            .mobileconfig  A configuration profile: a property list, signed if it was uploaded so.
            Times          ISO 8601 in UTC. Days are without a time. An empty value, or null: there is none.
            Ids            are the same in all files. deviceId is the id of an enrolment in devices.csv.


            """));
        foreach (var table in ExportTables.All)
        {
            text.Append(ExportRows.FileOf(table)).Append('\n').Append("    ").Append(table.Words).Append('\n');
            text.Append("    ").AppendJoin(", ", table.Columns.Select(column => column.Name)).Append("\n\n");
        }

        foreach (var (name, words) in Further) text.Append(name).Append('\n').Append("    ").Append(words).Append("\n\n");
        return text.ToString();
    }

    [LoggerMessage(2760, LogLevel.Information, "{Who} exported the district: {Files} files, {Rows} rows, {Bytes} bytes")]
    private partial void LogExported(string who, int files, long rows, long bytes);
}

/// <summary>A profile of the library, as it is exported.</summary>
internal sealed record ExportedProfile(ProfileRow Row, byte[] Content, LibraryProfile Stored)
{
    /// <summary>What counts as a secret may be more than when it was saved.</summary>
    public bool HasSecrets => Row.Newest.HasSecrets || Stored.HasSecrets;
}
