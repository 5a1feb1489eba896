using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>What an iPad tells of itself.</summary>
internal static class InformationCommands
{
    private const string Attestation = "DevicePropertiesAttestation";
    private const int NoLimit = 2147483647;
    private const int SecondsInAMinute = 60;

    public static IPadReport Device(CommandRun run)
    {
        if (run.Command.Array("Queries") is not { } queries || !queries.All(query => query is string))
            return run.FormatError();
        var answers = new PlistDict();
        foreach (var query in queries.Cast<string>().Distinct())
        {
            // What an iPad does not have, or may not tell, it leaves out.
            if (DeviceFacts.Answer(query, run.IPad) is { } answer)
                answers.Add(query, answer);
        }
        // An iPad that cannot passes over the question.
        if (queries.Contains(Attestation) && run.IPad.AttestProperties(run.Command.Data("DeviceAttestationNonce")) is { } chain)
            answers.Add(Attestation, chain.Cast<object>().ToList());
        return run.Acknowledged(("QueryResponses", answers));
    }

    public static IPadReport Security(CommandRun run)
    {
        var ipad = run.IPad;
        var rules = RestrictionSet.Of(run.Channel.Installed, ipad.Description.Supervised);
        var compliant = ipad.Passcode is { } passcode ? Complies(passcode, rules) : rules.Flag("forcePIN") != true;
        var security = new PlistDict
        {
            ["HardwareEncryptionCaps"] = 3,
            ["PasscodePresent"] = ipad.PasscodeSet,
            ["PasscodeCompliant"] = compliant,
            ["PasscodeCompliantWithProfiles"] = compliant,
            ["PasscodeLockGracePeriod"] = ipad.Touched?.Fact("PasscodeLockGracePeriod") ?? 0,
            ["PasscodeLockGracePeriodEnforced"] = rules.Number("maxGracePeriod") is { } minutes ? minutes * SecondsInAMinute : NoLimit,
            ["ManagementStatus"] = new PlistDict
            {
                ["EnrolledViaDEP"] = ipad.Description.Automated,
                ["IsUserEnrollment"] = false,
                ["UserApprovedEnrollment"] = true,
            },
        };
        if (ipad.Touched?.Fact("AutoLockTime") is { } autoLock)
            security["AutoLockTime"] = autoLock;
        return run.Acknowledged(("SecurityInfo", security));
    }

    private static bool Complies(string passcode, RestrictionSet rules) =>
        passcode.Length >= (rules.Number("minLength") ?? 0)
        && passcode.Count(character => !char.IsLetterOrDigit(character)) >= (rules.Number("minComplexChars") ?? 0)
        && (rules.Flag("requireAlphanumeric") != true || (passcode.Any(char.IsLetter) && passcode.Any(char.IsDigit)))
        && (rules.Flag("allowSimple") != false || !IsSimple(passcode));

    /// <summary>All one character, or in a row.</summary>
    private static bool IsSimple(string passcode) =>
        passcode.Distinct().Count() == 1 || passcode.Zip(passcode.Skip(1)).All(pair => pair.Second - pair.First == 1)
        || passcode.Zip(passcode.Skip(1)).All(pair => pair.First - pair.Second == 1);
}
