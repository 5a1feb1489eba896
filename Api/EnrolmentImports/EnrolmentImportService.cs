using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using FleetMdm.Api.Audit;
using FleetMdm.Api.CheckIn;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.EnrolmentImports;

// A line:
//
//   1. read         two messages of one iPad, and its certificate; neither twice in a file  else refused
//   2. topic        that of the push certificate here: else nobody could wake it        else refused
//   3. certificate  of a CA in Mdm:TrustedIdentityCas, and valid                        else refused
//   4. known        pinned to this very enrolment: it was imported before
//                   anything else that is known here by this id or certificate          refused
//   5. record       who has vouched for it
//   6. grain        Authenticate, TokenUpdate, SetBootstrapToken, as the iPad would send them. One that was imported before gets the bootstrap token that it lacks

/// <summary>Takes over enrolments of another server.</summary>
internal sealed class EnrolmentImportService(
    IGrainFactory grains, DeviceGrains devices, IDeviceStore store, IFleetQueries fleet, EnrolmentAuthority authority, ListReading turns, AuditTrail trail, TimeProvider time)
{
    private const int MostRefusals = 1_000;

    /// <summary>Each takes three writes, which the store joins with others'.</summary>
    private const int AtOnce = 16;

    /// <exception cref="ApiProblem">400: no lines; 409: there is no push certificate; 503: other files are read.</exception>
    public async Task<EnrolmentImportView> Import(HttpContext context, ReadOnlyMemory<byte> file, bool dryRun)
    {
        var stopping = context.RequestAborted;
        using var turn = await turns.Enter(stopping);
        var lines = Lines(file);
        if (lines.Count == 0) throw ApiProblem.Field("body", "It has no lines. Send one JSON object on each line.");
        if (await grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).Describe() is not { } push)
            throw ApiProblem.Conflict(ProblemCodes.NoPushCertificate, "There is no push certificate", "Install the push certificate of the old server first: iPads are woken by its topic.");

        var verifier = (await authority.Get()).Verifier;
        var outcomes = new Outcome[lines.Count];
        var (ids, certificates) = (new Dictionary<string, int>(StringComparer.Ordinal), new Dictionary<string, int>(StringComparer.Ordinal));
        for (var n = 0; n < lines.Count; n++)
        {
            var enrolment = new Enrolled();
            try
            {
                Read(lines[n].Text, enrolment);
                Once(ids, enrolment.Id!, lines[n].Number, "This iPad stands in line {0} too.");
                Once(certificates, Convert.ToHexString(SHA256.HashData(enrolment.Certificate)), lines[n].Number, "Its certificate stands in line {0} too: two iPads cannot have one.");
                outcomes[n] = new Outcome(Became.Imported, enrolment, null);
            }
            catch (RefusedException e)
            {
                outcomes[n] = new Outcome(Became.Refused, enrolment, e.Message);
            }
        }

        var readable = Enumerable.Range(0, lines.Count).Where(n => outcomes[n].Became != Became.Refused);
        await Parallel.ForEachAsync(readable, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stopping }, async (n, _) =>
        {
            try
            {
                outcomes[n] = outcomes[n] with { Became = await Take(context, outcomes[n].Enrolled, verifier, push.Topic, dryRun), Warning = await Twin(outcomes[n].Enrolled) };
            }
            catch (RefusedException e)
            {
                outcomes[n] = outcomes[n] with { Became = Became.Refused, Why = e.Message };
            }
        });

        var view = new EnrolmentImportView
        {
            DryRun = dryRun,
            Read = outcomes.Length,
            Imported = outcomes.Count(one => one.Became == Became.Imported),
            Standing = outcomes.Count(one => one.Became == Became.Standing),
            Refused = outcomes.Count(one => one.Became == Became.Refused),
            FirstCertificateEndsAt = outcomes.Where(one => one.Became != Became.Refused).Select(one => (DateTimeOffset?)one.Enrolled.Identity!.NotAfter).Min(),
            Warnings = [.. outcomes.Select((one, n) => (one, lines[n].Number)).Where(line => line.one is { Became: not Became.Refused, Warning: not null }).Take(MostRefusals)
                .Select(line => new EnrolmentImportWarning(line.Number, line.one.Enrolled.Id!, line.one.Enrolled.Authenticate!.SerialNumber!, line.one.Warning!))],
            Refusals = [.. outcomes.Select((one, n) => (one, lines[n].Number)).Where(line => line.one.Became == Became.Refused).Take(MostRefusals)
                .Select(line => new EnrolmentImportRefusal(line.Number, line.one.Enrolled.Id, line.one.Enrolled.Authenticate?.SerialNumber, line.one.Why!))],
        };
        await trail.Record(context, AuditVerbs.EnrolmentImport,
            detail: dryRun ? "only checked" : string.Create(CultureInfo.InvariantCulture, $"{view.Imported} taken over, {view.Standing} there before, {view.Refused} left out"));
        return view;
    }

    private async Task<Became> Take(HttpContext context, Enrolled enrolment, IdentityVerifier verifier, string topic, bool dryRun)
    {
        // 2
        if (enrolment.TokenUpdate!.Topic is { } own && own != topic)
            throw new RefusedException($"It is woken by the topic {Text.Printable(own, 200)}, and the push certificate here is for {topic}. Install the push certificate of the old server.");

        // 3
        try
        {
            enrolment.Identity = verifier.Verify(enrolment.Certificate.AsSpan(), time.GetUtcNow());
        }
        catch (IdentityException e)
        {
            throw new RefusedException($"Its certificate is not taken: {e.Message}{(e.Refusal == IdentityRefusal.UntrustedIssuer ? " Name the CA of the old server in Mdm:TrustedIdentityCas." : "")}");
        }

        if (enrolment.Identity.IssuedByUs) throw new RefusedException("Its certificate was issued here. Only iPads of another server are imported.");
        if (enrolment.Identity.NotAfter < time.GetUtcNow()) throw new RefusedException("Its certificate has ended. The iPad has to enrol anew.");

        // 4
        var (id, sha256) = (enrolment.Id!, enrolment.Identity.Sha256);
        var owner = (await store.FindCertificate(sha256)).Pinned;
        var row = await fleet.FindDevice(id);
        if (owner is not null && (owner.DeviceId != id || owner.DroppedAt is not null || row is null))
            throw new RefusedException("Its certificate was used here before, by another iPad or by an enrolment that has ended.");
        if (row is not null && owner is null) throw new RefusedException("This iPad was enrolled here already. What stands here is newer than the file.");
        var certificate = new PresentedCertificate(sha256, enrolment.Identity.NotAfter) { Vouched = true };
        var grain = devices.Of(id);
        if (row is { Status: not EnrolmentStatus.Authenticated })
        {
            if (row.Status != EnrolmentStatus.Enrolled) throw new RefusedException("This iPad was enrolled here, and is not any more.");
            // The server went away between the last two messages. What the iPad has sent since is newer.
            if (enrolment.BootstrapToken is { } lost && !row.HasBootstrapToken && !dryRun) Accept(await grain.SetBootstrapToken(lost, certificate));
            return Became.Standing;
        }

        if (dryRun) return Became.Imported;

        // 5
        await trail.Write(trail.Entry(context, AuditVerbs.EnrolmentImport, AuditTargets.Device, id, subject: enrolment.Authenticate!.SerialNumber));

        // 6
        try
        {
            await Tell(grain, enrolment, certificate, begins: row is null);
            return Became.Imported;
        }
        catch (RefusedException e)
        {
            await trail.Write(trail.Entry(context, AuditVerbs.EnrolmentImport, AuditTargets.Device, id, subject: enrolment.Authenticate.SerialNumber, detail: e.Message) with { Result = AuditResult.Refused });
            throw;
        }
    }

    /// <summary>Another enrolment with its serial number: one of the two is of an iPad that is not there any more. Null: there is none.</summary>
    private async Task<string?> Twin(Enrolled enrolment)
    {
        if (enrolment.Authenticate!.SerialNumber is not { Length: > 0 } serial) return null;
        var here = await fleet.ListDevices(Scope.District, new Storage.Devices.DeviceFilter { SerialNumber = serial, Status = EnrolmentStatus.Enrolled }, null, 5);
        return here.FirstOrDefault(row => row.DeviceId != enrolment.Id && row.Id == row.DeviceId) is { } other
            ? $"{other.Id} is enrolled here with the same serial number. One of them is an earlier enrolment of the same iPad: remove the one that does not come."
            : null;
    }

    private static async Task Tell(IDeviceGrain grain, Enrolled enrolment, PresentedCertificate certificate, bool begins)
    {
        if (begins) Accept(await grain.Authenticate(DeviceMessagesOf.Authenticate(enrolment.Authenticate!, address: null), certificate));
        Accept(await grain.TokenUpdate(DeviceMessagesOf.TokenUpdate(enrolment.TokenUpdate!, enrolment.UnlockToken ?? enrolment.TokenUpdate!.UnlockToken), certificate));
        if (enrolment.BootstrapToken is { } bootstrap) Accept(await grain.SetBootstrapToken(bootstrap, certificate));
    }

    private static void Accept(DeviceReply reply)
    {
        if (reply.Refusal != DeviceRefusal.None) throw new RefusedException(DeviceRefusals.For(reply.Refusal).Detail);
    }

    private static void Once(Dictionary<string, int> seen, string key, int line, string words)
    {
        if (!seen.TryAdd(key, line)) throw new RefusedException(string.Format(CultureInfo.InvariantCulture, words, seen[key]));
    }

    private static List<(int Number, string Text)> Lines(ReadOnlyMemory<byte> file)
    {
        var text = new UTF8Encoding(false, throwOnInvalidBytes: false).GetString(file.Span);
        var lines = new List<(int, string)>();
        var number = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            number++;
            var trimmed = line.Trim("\uFEFF \t");
            if (!trimmed.IsEmpty) lines.Add((number, trimmed.ToString()));
        }

        return lines;
    }

    // 1
    private static void Read(string line, Enrolled enrolment)
    {
        EnrolmentImportLine read;
        try
        {
            read = JsonSerializer.Deserialize(line, AdminJson.Default.EnrolmentImportLine) ?? throw new RefusedException("It is null.");
        }
        catch (JsonException)
        {
            throw new RefusedException("It is no JSON object with the texts authenticate, tokenUpdate and certificate, and no other fields than these and unlockToken and bootstrapToken.");
        }

        enrolment.Authenticate = Message<Authenticate>("authenticate", read.Authenticate);
        enrolment.Id = enrolment.Authenticate.Sender.EnrolmentId;
        if (enrolment.Authenticate.Sender.Kind == MdmSenderKind.SharedUser) throw new RefusedException("It is of a user of an iPad. Users come by themselves.");
        enrolment.TokenUpdate = Message<TokenUpdate>("tokenUpdate", read.TokenUpdate);
        if (enrolment.TokenUpdate.Sender.EnrolmentId != enrolment.Id) throw new RefusedException("Its two messages are of two iPads.");
        enrolment.Certificate = Certificate(read.Certificate);
        enrolment.UnlockToken = Escrowed("unlockToken", read.UnlockToken);
        enrolment.BootstrapToken = Escrowed("bootstrapToken", read.BootstrapToken);
    }

    private static T Message<T>(string field, string text) where T : MdmMessage
    {
        var bytes = text.AsSpan().TrimStart() is ['<', ..] ? Encoding.UTF8.GetBytes(text) : Bytes(field, text);
        try
        {
            return MdmMessageReader.Read(bytes, PlistLimits.Device) as T ?? throw new RefusedException($"{field} is another message than {typeof(T).Name}.");
        }
        catch (Exception e) when (e is PlistFormatException or MdmFormatException)
        {
            throw new RefusedException($"{field} cannot be read: {e.Message}");
        }
    }

    private static byte[] Certificate(string text)
    {
        if (!text.Contains("-----BEGIN", StringComparison.Ordinal)) return Bytes("certificate", text);
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(text);
            return certificate.RawData;
        }
        catch (CryptographicException)
        {
            throw new RefusedException("certificate is no certificate in PEM.");
        }
    }

    private static byte[]? Escrowed(string field, string? text)
    {
        if (string.IsNullOrEmpty(text)) return null;
        var bytes = Bytes(field, text);
        return bytes.Length <= MdmMessage.LongestEscrowedToken ? bytes : throw new RefusedException($"{field} has {bytes.Length} bytes; at most {MdmMessage.LongestEscrowedToken} are kept.");
    }

    private static byte[] Bytes(string field, string text) =>
        text.Length > 0 && Base64.IsValid(text) ? Convert.FromBase64String(text) : throw new RefusedException($"{field} is neither what it should be as text, nor Base64.");

    private enum Became
    {
        Imported,
        Standing,
        Refused,
    }

    private sealed record Outcome(Became Became, Enrolled Enrolled, string? Why, string? Warning = null);

    private sealed class Enrolled
    {
        public string? Id { get; set; }
        public Authenticate? Authenticate { get; set; }
        public TokenUpdate? TokenUpdate { get; set; }
        public byte[] Certificate { get; set; } = [];
        public byte[]? UnlockToken { get; set; }
        public byte[]? BootstrapToken { get; set; }
        public VerifiedIdentity? Identity { get; set; }
    }

    private sealed class RefusedException(string why) : Exception(why);
}

/// <summary>One line of the file.</summary>
internal sealed record EnrolmentImportLine(string Authenticate, string TokenUpdate, string Certificate, string? UnlockToken = null, string? BootstrapToken = null);
