using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Attestation;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage.Attestation;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Api.Attestation;

/// <summary>Asks iPads for attestations, and says what theirs prove; for REST and for the page.</summary>
internal sealed class AttestationService(IAttestationStore store, DeviceAttestations attestations, AttestationPolicy policy, SecretSealer sealer, CommandLog log, DeviceLookup devices, TimeProvider time)
{
    private const string Attestation = "DevicePropertiesAttestation";
    private const string Acknowledged = "Acknowledged";

    /// <summary>Apple takes up to 32 bytes.</summary>
    private const int NonceBytes = 32;

    public async Task<AttestationView> Find(string id)
    {
        var device = await devices.Row(id);
        var proved = await store.OfDevice(device.Id);
        return new AttestationView
        {
            DeviceId = device.Id,
            Identity = proved is null
                ? new AttestedIdentityView { Attested = false, Reason = await WhyNot(device) }
                : new AttestedIdentityView
                {
                    Attested = true,
                    ProvedAt = proved.ProvedAt,
                    Proved = new ProvedView
                    {
                        SerialNumber = proved.SerialNumber,
                        Udid = proved.Udid,
                        OsVersion = proved.OsVersion,
                        SepOsVersion = proved.SepOsVersion,
                        SoftwareUpdateDeviceId = proved.SoftwareUpdateDeviceId,
                    },
                },
            Properties = await store.FindQuestion(device.Id) is { } question ? await Look(device, question) : null,
        };
    }

    /// <summary>Queues the question, with a nonce of its own.</summary>
    /// <exception cref="ApiProblem">404, 409, 422 or 429: nothing was queued.</exception>
    public async Task<AttestationAsked> Ask(HttpContext context, string id)
    {
        var device = await devices.Row(id);
        if (device.Kind == EnrolmentKind.SharedUser)
            throw new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.DoesNotFit, "This is a user", "Apple attests iPads, and not their users. Ask the iPad.");
        // The same request again asks the same, and is the same command.
        var uuid = RequestIds.NewCommandUuid(context, time);
        var nonce = sealer.Derive($"attestation-nonce/{uuid}", NonceBytes);
        var command = CommandReader.FromJson(JsonSerializer.SerializeToElement(new Dictionary<string, object>
        {
            ["requestType"] = "DeviceInformation",
            ["queries"] = new[] { "SerialNumber", "UDID", "OSVersion", "SoftwareUpdateDeviceID", Attestation },
            ["deviceAttestationNonce"] = Convert.ToBase64String(nonce),
        }));
        var accepted = await CommandEndpoints.Enqueue(device.Id, context, command with { CommandUuid = uuid }, null, push: true, devices, log);
        var question = new AttestationQuestion(device.Id, accepted.CommandUuid, nonce, time.GetUtcNow(), FleetUser.Of(context).Name);
        await store.Ask(question);
        return new AttestationAsked(device.Id, question.CommandUuid, question.AskedAt);
    }

    private async Task<AttestedPropertiesView> Look(DeviceRow device, AttestationQuestion question)
    {
        var view = new AttestedPropertiesView
        {
            CommandUuid = question.CommandUuid,
            AskedAt = question.AskedAt,
            AskedBy = question.AskedBy,
            State = "waiting",
            Reason = "The iPad has not answered yet.",
        };
        if (await log.FindBare(device.Id, question.CommandUuid) is not var (command, answer))
            return view with { State = "gone", Reason = "The answer is deleted from the history of commands. Ask again." };
        if (!command.Finished) return view;
        view = view with { AnsweredAt = command.FinishedAt, State = "notProved" };
        if (command.State != Acknowledged) return view with { Reason = $"The iPad did not answer it: {command.State}. {command.Error}".TrimEnd() };
        if (answer is null) return view with { State = "gone", Reason = "The answer is deleted from the history of commands. Ask again." };
        return Judge(view, device, question, answer, command.FinishedAt ?? question.AskedAt);
    }

    /// <summary>What an answer proves: at the time when it was given.</summary>
    private AttestedPropertiesView Judge(AttestedPropertiesView view, DeviceRow device, AttestationQuestion question, byte[] answer, DateTimeOffset at)
    {
        PlistDictionary? told;
        try
        {
            told = PlistReader.ReadDictionary(answer, PlistLimits.Admin).GetDictionary("QueryResponses");
        }
        catch (PlistFormatException)
        {
            return view with { Reason = "The iPad's answer cannot be read." };
        }

        if (told?.GetArray(Attestation) is not { Count: > 0 } chain)
        {
            var why = AttestationSupport.WhyNot(device.ProductName, device.OsVersion, device.BuildVersion);
            return view with { Reason = $"The iPad sent no attestation. {why ?? "Apple's servers did not give it one, or it could not reach them."}" };
        }

        AttestedDevice attested;
        try
        {
            attested = attestations.Check([.. chain.Select(one => one is PlistData data ? data.Value : throw new AttestationException("The attestation is no list of certificates."))], at);
        }
        catch (AttestationException e)
        {
            return view with { Reason = e.Message };
        }

        var differences = Differences(device, attested, told);
        var fresh = attested.IsFor(question.Nonce);
        var tooOld = !fresh && !attested.IsStillSent(question.AskedAt);
        return view with
        {
            State = differences.Count > 0 ? "differs" : attested.SerialNumber is null || tooOld ? "notProved" : "proved",
            Reason = differences.Count > 0 ? "What Apple attests differs from what the iPad says."
                : attested.SerialNumber is null ? "Apple attests that this is one of its devices, and not which one."
                : tooOld ? "The attestation is older than any that Apple would repeat: it proves nothing about today. Ask again."
                : fresh ? "Apple attests that this is the iPad, and has made the attestation for this question."
                : "Apple attests that this is the iPad. The attestation is an older one: Apple makes a new one at most every seven days.",
            Fresh = fresh,
            Differences = differences,
            Proved = new ProvedView
            {
                SerialNumber = attested.SerialNumber,
                Udid = attested.Udid,
                OsVersion = attested.OsVersion,
                SepOsVersion = attested.SepOsVersion,
                SoftwareUpdateDeviceId = attested.SoftwareUpdateDeviceId,
            },
        };
    }

    private static List<string> Differences(DeviceRow device, AttestedDevice attested, PlistDictionary told)
    {
        var differences = new List<string>();
        Compare("Serial number", attested.SerialNumber, device.SerialNumber);
        Compare("UDID", attested.Udid, device.Udid);
        // An attestation of before was made with the iPadOS of before.
        if (attested.SoftwareUpdateDeviceId is not null) Compare("Model", attested.SoftwareUpdateDeviceId, told.GetString("SoftwareUpdateDeviceID"));
        return differences;

        void Compare(string what, string? proved, string? said)
        {
            if (proved is not null && said is not null && !proved.Equals(said, StringComparison.OrdinalIgnoreCase)) differences.Add($"{what}: Apple attests {proved}, the iPad says {said}.");
        }
    }

    private async Task<string> WhyNot(DeviceRow device)
    {
        if (policy.Mode == AttestedIdentity.Off) return "This server does not ask for it (Attestation:Identity is Off). Nothing is wrong with this iPad.";
        if (AttestationSupport.WhyNot(device.ProductName, device.OsVersion, device.BuildVersion) is { } why) return why;
        return device.SerialNumber is { } serial && await store.FindTry(serial) is { Refused: { } refused }
            ? $"Its attestation was refused: {refused}"
            : "Its certificate was issued without an attestation. It gets an attested one when it enrols again by automated enrolment or the link of an invitation, or when its certificate is renewed.";
    }
}
