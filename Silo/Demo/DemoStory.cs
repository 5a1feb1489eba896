using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Apns;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.Silo.Demo;

/// <summary>What is to become of a command until the story's end.</summary>
internal enum Outcome
{
    Acknowledged,
    /// <summary>Its iPad sleeps or says NotNow: the server keeps it.</summary>
    Waits,
    /// <summary>Its iPad reports an error.</summary>
    Fails,
}

/// <summary>A command that the server accepted with 2xx for one iPad.</summary>
internal sealed record AcceptedCommand(string Udid, string CommandUuid, string RequestType, Outcome Outcome);

/// <summary>What happens in the demo, told once.</summary>
internal sealed class DemoStory
{
    /// <summary>One of three iPads lies locked in a trolley.</summary>
    private const int LockedOneOf = 3;

    /// <summary>A year of a school.</summary>
    private const int MostInExam = 100;

    /// <summary>How long the iPads that say NotNow go on saying it after the story.</summary>
    public static readonly TimeSpan UnlockedAfter = TimeSpan.FromMinutes(5);

    private readonly DemoScreen _screen;
    private readonly List<AcceptedCommand> _accepted = [];
    private readonly List<(DemoIPad Demo, VirtualIPad IPad)> _ipads;
    private readonly List<Uri> _invitations = [];
    private bool _asleep;

    public DemoStory(int count, DemoScreen screen, AdminClient admin, ApnsSimulator apns, IPadFleet fleet)
    {
        (_screen, Admin, Apns, Fleet) = (screen, admin, apns, fleet);
        _ipads = [.. Enumerable.Range(0, count).Select(DemoFleet.Number).Select(demo => (demo, fleet.Add(demo.Description)))];
    }

    public int Count => _ipads.Count;
    public IPadFleet Fleet { get; }
    public AdminClient Admin { get; }
    public ApnsSimulator Apns { get; }

    /// <summary>Of the library's profile that is installed on some, waits for some, and failed on some; empty before the story.</summary>
    /// <summary>Of the exam, which is over.</summary>
    public string ExamId { get; private set; } = "";

    /// <summary>Of the assignment.</summary>
    public string AssignmentId { get; private set; } = "";

    public string RulesId { get; private set; } = "";

    /// <summary>One that answers, to look at.</summary>
    public string Example => _ipads.First(candidate => candidate.Demo.Part == DemoPart.Answers).IPad.Udid;

    /// <summary>Everything that the server has promised to deliver.</summary>
    public IReadOnlyList<AcceptedCommand> Accepted => _accepted;

    /// <summary>iPads that the server leaves out of the rules for students, since they are not supervised.</summary>
    public int LeftOut => _ipads.Count(ipad => ipad.Demo.Part == DemoPart.Answers && !ipad.Demo.Description.Supervised && DemoProfiles.IsInTwoSchools(ipad.Demo));

    public int Those(DemoPart part) => _ipads.Count(ipad => ipad.Demo.Part == part);

    // 1. A push certificate, and an invitation for each school. Three schools have people.
    // 2. All enrol. One goes on loan to a pupil.
    // 3. All are asked for DeviceInformation and for their apps, by one operation each.
    // 4. Some fall asleep for good: what comes for them from now on waits.
    // 5. A third is locked and answers NotNow to SecurityInfo. Then most of them are unlocked and come by themselves.
    // 6. Profiles are put into the library. All get Wi-Fi, and a web clip with the serial number of each. Some cannot install it
    //    and report an error.
    // 7. A filter finds the iPads of two schools: they get the rules for students. The server leaves out those that would refuse them, since they are not supervised.
    // 8. A third profile is assigned to a group with a rule: the first school. Nobody sends anything: each of its iPads gets it when it is woken.
    // 9. A short exam: iPads of the first school are locked into an app, and released again. Some cannot be locked, and some sleep through it.
    // 10. All are asked for their profiles, so that the library knows what is there.
    // 11. One is erased and enrols again.
    // 12. One renews its identity certificate, as all do before it ends.

    public async Task TellAsync(CancellationToken cancellation)
    {
        using (var certificate = Apns.Authority.MintPushCertificate())
            await Admin.PutPushCertificateAsync(certificate.ToPem(), cancellation);
        foreach (var (_, school) in DemoFleet.Schools)
            _invitations.Add((await Admin.CreateInvitationAsync($"{school}, this year", school, cancellation: cancellation)).Url);

        var pupil = await DemoDistrict.CreateAsync(Admin, cancellation);

        var enrolled = 0;
        var schools = _ipads.ToDictionary(ipad => ipad.IPad, ipad => ipad.Demo.School);
        await _screen.StageAsync("iPads enrol", Count, () => Volatile.Read(ref enrolled),
            token => Fleet.EnrolAllAsync(schools.Keys, ipad => _invitations[schools[ipad]], _ => Interlocked.Increment(ref enrolled), token),
            cancellation);

        await DemoDistrict.LendAsync(Admin, Example, pupil, Fleet.Options.Time.GetUtcNow(), cancellation);
        await FinishAsync("DeviceInformation of all", await StartAsync(new JsonObject { ["requestType"] = "DeviceInformation" }, cancellation), cancellation);
        await FinishAsync("Apps of all", await StartAsync(new JsonObject { ["requestType"] = "InstalledApplicationList" }, cancellation), cancellation);
        FallAsleep();
        await LockedThirdAsync(cancellation);
        var wifi = await Admin.CreateProfileAsync(DemoProfiles.Wifi(), cancellation);
        RulesId = await Admin.CreateProfileAsync(DemoProfiles.Rules(), cancellation);
        await FinishAsync("Profile on all: Wi-Fi, and a web clip with each serial number", await InstallAsync(wifi, new JsonObject { ["all"] = true }, _ipads, cancellation), cancellation);
        await FinishAsync("Rules for the students of two schools",
            await InstallAsync(RulesId, new JsonObject { ["filter"] = new JsonObject { ["filter"] = DemoProfiles.TwoSchools } },
                [.. _ipads.Where(ipad => DemoProfiles.IsInTwoSchools(ipad.Demo))], cancellation), cancellation);
        await AssignAsync(cancellation);
        await ExamAsync(cancellation);
        await FinishAsync("Profiles of all", await StartAsync(new JsonObject { ["requestType"] = "ProfileList" }, cancellation), cancellation);
        await EraseOneAsync(cancellation);
        await RenewOneAsync(cancellation);
    }

    /// <summary>After the story, a teacher unlocks the iPads that still say NotNow.</summary>
    public async Task UnlockLaterAsync(CancellationToken cancellation)
    {
        await Task.Delay(UnlockedAfter, Fleet.Options.Time, cancellation);
        foreach (var (_, ipad) in _ipads.Where(ipad => ipad.Demo.Part == DemoPart.SaysNotNow))
            ipad.Unlock();
    }

    private void FallAsleep()
    {
        foreach (var (demo, ipad) in _ipads)
        {
            if (demo.Part == DemoPart.Sleeps)
                ipad.GoOffline();
            else if (demo.Part == DemoPart.Fails)
                ipad.FailOn("InstallProfile", DemoFleet.InstallationFailed);
        }
        _asleep = true;
    }

    private async Task LockedThirdAsync(CancellationToken cancellation)
    {
        var locked = _ipads.Where((ipad, number) => ipad.Demo.Part != DemoPart.Sleeps
            && (number % LockedOneOf == 0 || ipad.Demo.Part == DemoPart.SaysNotNow)).ToList();
        foreach (var (_, ipad) in locked)
            ipad.Lock();
        var command = await StartAsync(new JsonObject { ["requestType"] = "SecurityInfo" }, cancellation);
        var tally = Fleet.Measurements.Tally(command);
        var others = Count - locked.Count - Those(DemoPart.Sleeps);

        await _screen.StageAsync($"SecurityInfo of all: {locked.Count} are locked and say NotNow", others + locked.Count,
            () => Math.Min(tally.Acknowledged, others) + Math.Min(tally.NotNow, locked.Count),
            token => Fleet.WhenAsync(() => tally.Acknowledged >= others && tally.NotNow >= locked.Count, token), cancellation);
        foreach (var (demo, ipad) in locked)
        {
            if (demo.Part != DemoPart.SaysNotNow)
                ipad.Unlock();
        }
        await FinishAsync("Unlocked, the others answer too", command, cancellation);
    }

    private async Task AssignAsync(CancellationToken cancellation)
    {
        await Admin.PostAsync("/api/v1/groups", new JsonObject { ["name"] = DemoProfiles.Group, ["rule"] = DemoProfiles.OneSchool }, cancellation);
        var profile = await Admin.CreateProfileAsync(DemoProfiles.Library(), cancellation);
        var assigned = await Admin.PostAsync("/api/v1/assignments", new JsonObject
        {
            ["name"] = "The library of the first school",
            ["profileId"] = profile,
            ["target"] = $"group:\"{DemoProfiles.Group}\"",
        }, cancellation);
        AssignmentId = assigned["id"]!.GetValue<string>();
        var meant = _ipads.Where(ipad => DemoProfiles.IsInOneSchool(ipad.Demo) && ipad.Demo.Part == DemoPart.Answers).Select(ipad => ipad.IPad).ToList();
        bool Has(VirtualIPad ipad) => ipad.InstalledProfiles.Contains(DemoProfiles.LibraryIdentifier);
        await _screen.StageAsync($"A profile is assigned to the group \"{DemoProfiles.Group}\"", meant.Count, () => meant.Count(Has),
            token => Fleet.WhenAsync(() => meant.All(Has), token), cancellation);
    }

    private async Task ExamAsync(CancellationToken cancellation)
    {
        var chosen = _ipads.Where(ipad => DemoProfiles.IsInOneSchool(ipad.Demo) && ipad.Demo.Part is DemoPart.Answers or DemoPart.Sleeps).Take(MostInExam).ToList();
        var meant = chosen.Where(ipad => ipad.Demo.Part == DemoPart.Answers && ipad.Demo.Description.Supervised).Select(ipad => ipad.IPad).ToList();
        var exam = await Admin.PostAsync("/api/v1/exams", new JsonObject
        {
            ["name"] = "Maths, year 9",
            ["app"] = new JsonObject { ["bundleId"] = "org.example.exam" },
            ["iPads"] = new JsonArray([.. chosen.Select(ipad => JsonValue.Create(ipad.IPad.Udid))]),
            ["endsAt"] = Fleet.Options.Time.GetUtcNow().AddHours(1).ToString("O"),
        }, cancellation);
        ExamId = exam["id"]!.GetValue<string>();
        await _screen.StageAsync("An exam begins: iPads are locked into one app", meant.Count, () => meant.Count(ipad => ipad.LockedIntoApp is not null),
            token => Fleet.WhenAsync(() => meant.All(ipad => ipad.LockedIntoApp is not null), token), cancellation);
        await Admin.PostAsync($"/api/v1/exams/{ExamId}/release", [], cancellation);
        await _screen.StageAsync("The exam ends: they are released", meant.Count, () => meant.Count(ipad => ipad.LockedIntoApp is null),
            token => Fleet.WhenAsync(() => meant.All(ipad => ipad.LockedIntoApp is null), token), cancellation);
    }

    private async Task EraseOneAsync(CancellationToken cancellation)
    {
        var (demo, ipad) = _ipads.Last(candidate => candidate.Demo.Part == DemoPart.Answers);
        var (before, started) = (ipad.TimesErased, Fleet.Options.Time.GetTimestamp());
        var command = await Admin.SendCommandAsync(ipad.Udid, new JsonObject { ["requestType"] = "EraseDevice" }, cancellation);
        Fleet.Enqueued(command, started);
        _accepted.Add(new AcceptedCommand(ipad.Udid, command, "EraseDevice", Outcome.Acknowledged));
        await _screen.StageAsync($"{ipad.Description.Name} is erased and enrols again", 2,
            () => (ipad.TimesErased > before ? 1 : 0) + (ipad.TimesErased > before && ipad.IsEnrolled ? 1 : 0),
            async token =>
            {
                await Fleet.WhenAsync(() => ipad.TimesErased > before, token);
                await ipad.EnrolAsync(_invitations[demo.School], token);
            },
            cancellation);
    }

    private async Task RenewOneAsync(CancellationToken cancellation)
    {
        var (_, ipad) = _ipads.First(candidate => candidate.Demo.Part == DemoPart.Answers);
        var (before, started) = (ipad.IdentitySha256, Fleet.Options.Time.GetTimestamp());
        var command = await Admin.RenewAsync(ipad.Udid, cancellation);
        Fleet.Enqueued(command, started);
        _accepted.Add(new AcceptedCommand(ipad.Udid, command, "InstallProfile", Outcome.Acknowledged));
        var tally = Fleet.Measurements.Tally(command);
        await _screen.StageAsync($"{ipad.Description.Name} renews its identity certificate", 1,
            () => tally.Acknowledged > 0 && ipad.IdentitySha256 != before ? 1 : 0,
            token => Fleet.WhenAsync(() => tally.Acknowledged > 0, token), cancellation);
    }

    /// <summary>Queues a command for all iPads.</summary>
    /// <returns>Its CommandUUID, which they share.</returns>
    private async Task<string> StartAsync(JsonObject command, CancellationToken cancellation)
    {
        var started = Fleet.Options.Time.GetTimestamp();
        var operation = await Admin.StartOperationAsync(new JsonObject { ["all"] = true }, command, cancellation);
        Fleet.Enqueued(operation.CommandUuid, started);
        _accepted.AddRange(_ipads.Select(ipad =>
            new AcceptedCommand(ipad.IPad.Udid, operation.CommandUuid, operation.RequestType, OutcomeOf(ipad.Demo.Part, operation.RequestType))));
        return operation.CommandUuid;
    }

    /// <summary>Installs a profile of the library on some iPads.</summary>
    /// <param name="meant">Those that the target finds.</param>
    private async Task<string> InstallAsync(string profile, JsonObject target, IReadOnlyCollection<(DemoIPad Demo, VirtualIPad IPad)> meant, CancellationToken cancellation)
    {
        if (profile == RulesId) meant = [.. meant.Where(ipad => ipad.Demo.Description.Supervised)];
        var started = Fleet.Options.Time.GetTimestamp();
        var operation = await Admin.InstallProfileAsync(profile, target, cancellation);
        if (operation.Total != meant.Count)
            throw new DemoStalledException($"A profile was to be installed on {meant.Count} iPads, but the server found {operation.Total}.");
        Fleet.Enqueued(operation.CommandUuid, started);
        _accepted.AddRange(meant.Select(ipad => new AcceptedCommand(ipad.IPad.Udid, operation.CommandUuid, operation.RequestType, OutcomeOf(ipad.Demo.Part, "InstallProfile"))));
        return operation.CommandUuid;
    }

    private Outcome OutcomeOf(DemoPart part, string requestType) => part switch
    {
        _ when !_asleep => Outcome.Acknowledged,
        // Locked or not, an iPad tells its profiles.
        DemoPart.SaysNotNow when requestType == "ProfileList" => Outcome.Acknowledged,
        DemoPart.Sleeps or DemoPart.SaysNotNow => Outcome.Waits,
        DemoPart.Fails when requestType == "InstallProfile" => Outcome.Fails,
        _ => Outcome.Acknowledged,
    };

    /// <summary>Waits until all have finished the command that are meant to.</summary>
    private Task FinishAsync(string title, string command, CancellationToken cancellation)
    {
        var tally = Fleet.Measurements.Tally(command);
        var finishing = _accepted.Count(accepted => accepted.CommandUuid == command && accepted.Outcome != Outcome.Waits);
        return _screen.StageAsync(title, finishing, () => tally.Acknowledged + tally.Failed,
            token => Fleet.WhenAsync(() => tally.Acknowledged + tally.Failed >= finishing, token), cancellation);
    }
}
