using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Xml;
using FleetMdm.Api.Access;
using FleetMdm.Api.Assignments;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Observability;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage.ActivationLock;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Exports;
using FleetMdm.Storage.Profiles;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Api.Exports;

// An export:
//
//   1. receiver    a certificate that can be encrypted for                                  else 400
//   2. reason      why                                                                      else 400
//   3. turn        one at a time on a node                                                  else 409
//   4. record      who took them along, why, and for whom they were encrypted               else 503
//   5. README, CA  open: what another server must trust
//   6. enrolments  in parts that our own import takes; each part encrypted by itself
//   7. secrets     codes of Activation Lock, profiles and assignments that hold secrets, encrypted
//   8. manifest    the last file; then the end of the zip

/// <summary>What another server needs so that enrolled iPads go on there, encrypted for whoever receives it.</summary>
internal sealed partial class EnrolmentExport(
    IExportStore store, IProfileStore profiles, AssignmentService assignments, EnrolmentAuthority authority, SecretSealer sealer, ExportTurn turns, AuditTrail trail, TimeProvider time,
    ILogger<EnrolmentExport> logger)
{
    public const string Kind = "enrolments";

    private const int RowsAtATime = 200;

    /// <summary>Of what is encrypted at a time, which stands in memory some times over. An import takes 24 MiB.</summary>
    private const int LargestPart = 8 * 1024 * 1024;

    /// <summary>The rights of the import, and the one to see secrets.</summary>
    public static readonly string[] Needed = [Rights.DeviceChange, Rights.CertificateChange, Rights.SecretRead];

    /// <exception cref="ApiProblem">400; 409.</exception>
    public async Task Write(HttpContext context, ReadOnlyMemory<byte> certificate, string? said)
    {
        // 1, 2
        var receiver = ExportReceiver.Of(certificate.Span, time.GetUtcNow());
        var reason = AuditReason.Required(context, said);

        // 3
        using var turn = turns.Enter();
        var (user, stopping) = (FleetUser.Of(context), context.RequestAborted);
        var authorities = await authority.Get();

        // 4
        await trail.Record(context, AuditVerbs.EnrolmentExport, detail: $"encrypted for {receiver.Name}", reason: reason);

        // 5
        var archive = await ExportArchive.Begin(context, "fleetmdm-enrolments", time.GetUtcNow());
        await archive.AddText("README.txt", Readme(receiver));
        await archive.AddText("identity-ca.pem", Pem(authorities));

        // 6
        var (lines, identities) = (new Parts(archive, receiver, "enrolments", ".jsonl"), new Parts(archive, receiver, "identities", ".csv", "id,serialNumber,certificateSha256,certificateEndsAt,inEnrolments,why\r\n"));
        string? after = null;
        while (true)
        {
            var page = await store.Enrolments(after, RowsAtATime, stopping);
            foreach (var enrolment in page)
            {
                var why = Why(enrolment);
                if (why is null) await lines.Add(Line(enrolment));
                await identities.Add(Identity(enrolment, why));
            }

            if (page.Count < RowsAtATime) break;
            after = page[^1].Id;
        }

        await lines.Flush();
        await identities.Flush();

        // 7
        var codes = new Parts(archive, receiver, "activation-lock-codes", ".csv", "deviceId,serialNumber,code,fetchedAt,clearedAt\r\n");
        for (string? last = null; ;)
        {
            var page = await store.LockCodes(last, RowsAtATime, stopping);
            foreach (var code in page) await codes.Add(Code(code));
            if (page.Count < RowsAtATime) break;
            last = page[^1].DeviceId;
        }

        await codes.Flush();
        var assigned = new Parts(archive, receiver, "assignments", ".jsonl");
        await foreach (var assignment in assignments.All(asked => asked))
            await assigned.Add([.. JsonSerializer.SerializeToUtf8Bytes(assignment, AdminJson.Default.AssignmentView), (byte)'\n']);
        await assigned.Flush();
        await foreach (var profile in DistrictExport.ProfileFiles(profiles, stopping).Where(profile => profile.HasSecrets))
            await archive.AddBytes(DistrictExport.FileOf(profile.Row, ".mobileconfig" + ExportReceiver.Ending), receiver.Encrypt(profile.Content));

        // 8
        await archive.End(Kind, time.GetUtcNow());
        LogExported(user.Name, lines.Rows);
    }

    /// <summary>Why another server cannot go on with it; null: it can.</summary>
    private static string? Why(ExportedEnrolment enrolment) =>
        enrolment.CertificateSha256 is null ? "No certificate is pinned."
        : enrolment.PushToken is null || enrolment.PushMagic is null || enrolment.Topic is null ? "It has told no push token."
        : null;

    /// <summary>One line of the file that the import takes.</summary>
    private byte[] Line(ExportedEnrolment enrolment)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("authenticate", Message(enrolment, "Authenticate", message =>
            {
                Add(message, "SerialNumber", enrolment.SerialNumber);
                Add(message, "ProductName", enrolment.ProductName);
                Add(message, "Model", enrolment.Model);
                Add(message, "ModelName", enrolment.ModelName);
                Add(message, "DeviceName", enrolment.DeviceName);
                Add(message, "OSVersion", enrolment.OsVersion);
                Add(message, "BuildVersion", enrolment.BuildVersion);
                Add(message, "IMEI", enrolment.Imei);
                Add(message, "MEID", enrolment.Meid);
            }));
            json.WriteString("tokenUpdate", Message(enrolment, "TokenUpdate", message =>
            {
                message["Token"] = enrolment.PushToken!;
                Add(message, "PushMagic", enrolment.PushMagic);
                if (Open("unlock-token", enrolment, enrolment.UnlockToken) is { } unlock) message["UnlockToken"] = unlock;
                if (enrolment.AwaitingConfiguration) message["AwaitingConfiguration"] = true;
            }));
            if (enrolment.Certificate is { } certificate) json.WriteString("certificate", PemEncoding.WriteString("CERTIFICATE", certificate));
            if (Open("bootstrap-token", enrolment, enrolment.BootstrapToken) is { } bootstrap) json.WriteBase64String("bootstrapToken", bootstrap);
            json.WriteEndObject();
        }

        bytes.WriteByte((byte)'\n');
        return bytes.ToArray();
    }

    private static string Message(ExportedEnrolment enrolment, string type, Action<PlistDictionary> fill)
    {
        var message = new PlistDictionary { ["MessageType"] = type };
        if (enrolment.Kind == EnrolmentKind.UserEnrollment)
            message["EnrollmentID"] = enrolment.Id;
        else
            message["UDID"] = enrolment.Udid ?? enrolment.Id;
        Add(message, "Topic", enrolment.Topic);
        fill(message);
        return Encoding.UTF8.GetString(PlistWriter.ToBytes(message));
    }

    /// <summary>A name may have come in a binary property list, with what XML cannot carry.</summary>
    private static void Add(PlistDictionary message, string key, string? value)
    {
        if (value is not null) message[key] = string.Concat(value.EnumerateRunes().Where(rune => rune.IsBmp ? XmlConvert.IsXmlChar((char)rune.Value) : true));
    }

    private static byte[] Identity(ExportedEnrolment enrolment, string? why)
    {
        var text = new StringBuilder();
        Csv.Row(text, enrolment.Id, enrolment.SerialNumber, enrolment.CertificateSha256 is { } sha256 ? Convert.ToHexStringLower(sha256) : null, Csv.Time(enrolment.CertificateEndsAt),
            why is null ? "true" : "false", why ?? (enrolment.Certificate is null ? "Its certificate was issued elsewhere, and only its hash is known here." : null));
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private byte[] Code(ExportedLockCode code)
    {
        var text = new StringBuilder();
        var opened = Open(code.Code, code.DeviceId, ActivationLockCode.Purpose(code.DeviceId));
        Csv.Row(text, code.DeviceId, code.SerialNumber, opened is null ? null : Encoding.UTF8.GetString(opened), Csv.Time(code.FetchedAt), Csv.Time(code.ClearedAt));
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>As the iPad's grain sealed it. One that was spelled otherwise by an earlier version is sealed for the UDID as the iPad sends it.</summary>
    private byte[]? Open(string secret, ExportedEnrolment enrolment, byte[]? token) => token is not { Length: > 0 } ? null
        : enrolment.Udid is { } udid && udid != enrolment.Id ? Open(token, enrolment.Id, $"{secret}/{enrolment.Id}", $"{secret}/{udid}")
        : Open(token, enrolment.Id, $"{secret}/{enrolment.Id}");

    /// <summary>Null: it was sealed under another master key, or damaged. One such value keeps no iPad from going on elsewhere.</summary>
    private byte[]? Open(byte[] value, string id, params ReadOnlySpan<string> purposes)
    {
        foreach (var purpose in purposes)
        {
            try
            {
                return sealer.Open(purpose, value);
            }
            catch (CryptographicException)
            {
                // The next purpose; or it cannot be opened.
            }
        }

        LogNotOpened(id);
        return null;
    }

    private static string Pem(AuthoritySnapshot authorities)
    {
        var text = new StringBuilder();
        foreach (var ca in authorities.OwnCas) text.Append(PemEncoding.WriteString("CERTIFICATE", ca.Der.Span)).Append('\n');
        return text.ToString();
    }

    private static string Readme(ExportReceiver receiver) => $"""
        Enrolments of FleetMdm {FleetStatus.Version}, encrypted for
        {receiver.Name}.

        Is it whole?  Only with {ExportArchive.Manifest}, the last file. It names each file with its number of rows, its length and its SHA-256.

        To open one:  openssl cms -decrypt -binary -inform DER -in enrolments-001.jsonl{ExportReceiver.Ending} -inkey receiver.key -out enrolments-001.jsonl

        identity-ca.pem            The CAs that issued the iPads' certificates. The other server must trust them. Their keys are not here.
        enrolments-*.jsonl         An enrolled iPad on each line: authenticate and tokenUpdate (property lists, with its push token, push magic and unlock token), certificate (PEM), bootstrapToken
                                   (Base64). FleetMdm takes these files as they are. A line without certificate is of an iPad whose certificate was issued elsewhere.
        identities-*.csv           Each enrolled iPad with the SHA-256 of its certificate, and why it is not among the enrolments, if it is not.
        activation-lock-codes-*    The codes that lift Activation Lock.
        assignments-*.jsonl        The assignments, with their secrets.
        profiles/                  The profiles that hold secrets. All others are in the export of the district.

        What to do with it: docs/moving.md. Whoever can open these files can unlock these iPads. Delete them when the move is done.

        """;

    [LoggerMessage(2761, LogLevel.Warning, "{Who} exported {Enrolments} enrolments with their secrets")]
    private partial void LogExported(string who, long enrolments);

    [LoggerMessage(2762, LogLevel.Error, "A secret of {Id} cannot be opened with the master key; the export leaves it out")]
    private partial void LogNotOpened(string id);

    /// <summary>Files of bounded length, each encrypted as a whole: <c>name-001.jsonl.p7m</c> …</summary>
    /// <param name="archive">Where they go.</param>
    /// <param name="receiver">For whom.</param>
    /// <param name="name">Of each, before its number.</param>
    /// <param name="ending">Of each, before it was encrypted.</param>
    /// <param name="head">The first line of each; null: none.</param>
    private sealed class Parts(ExportArchive archive, ExportReceiver receiver, string name, string ending, string? head = null)
    {
        private readonly MemoryStream _part = new();
        private int _number;
        private int _rows;

        public long Rows { get; private set; }

        public async Task Add(byte[] row)
        {
            if (_part.Length + row.Length > LargestPart) await Flush();
            if (_part.Length == 0 && head is not null) _part.Write(Encoding.UTF8.GetBytes(head));
            _part.Write(row);
            _rows++;
            Rows++;
        }

        public async Task Flush()
        {
            if (_rows == 0) return;
            _number++;
            await archive.AddBytes(string.Create(CultureInfo.InvariantCulture, $"{name}-{_number:D3}{ending}{ExportReceiver.Ending}"), receiver.Encrypt(_part.ToArray()), _rows);
            _part.SetLength(0);
            _rows = 0;
        }
    }
}
