using FleetMdm.VirtualFleet.Journal;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>What people and places do to it.</summary>
public sealed partial class VirtualIPad
{
    /// <summary>As after a restart, before anyone has entered the passcode.</summary>
    public void Lock()
    {
        _locked = true;
        Journal.Write(JournalKind.Locked, MdmChannel.DeviceName);
    }

    /// <summary>Somebody enters the passcode. An iPad that restarted joins its Wi-Fi only now.</summary>
    public void Unlock()
    {
        _locked = false;
        Journal.Write(JournalKind.Unlocked, MdmChannel.DeviceName);
        if (_offWifi)
            GoOnline();
        ForEachChannel(channel => channel.Unlocked());
    }

    public void GoOffline()
    {
        _offline = true;
        ForEachChannel(channel => channel.WentOffline());
        Journal.Write(JournalKind.WentOffline, MdmChannel.DeviceName);
    }

    /// <summary>Back on the network: APNs delivers the push it kept, and a report that could not be sent is sent.</summary>
    public void GoOnline()
    {
        _offline = _offWifi = false;
        Journal.Write(JournalKind.WentOnline, MdmChannel.DeviceName);
        ForEachChannel(channel => channel.CameOnline());
    }

    /// <summary>From now on this iPad cannot carry out commands of that kind, and reports these errors for each.</summary>
    public void FailOn(string requestType, params IReadOnlyList<AppleError> chain) => LazyInitializer.EnsureInitialized(ref _failures)[requestType] = chain;

    internal IReadOnlyList<AppleError>? FailureOf(string requestType) => _failures?.GetValueOrDefault(requestType);

    /// <summary>From now on declarations of this type fail on it, with a code of Apple's.</summary>
    public void FailOnDeclaration(string type, string code, string? words = null) => LazyInitializer.EnsureInitialized(ref _declarationFailures)[type] = (code, words);

    internal (string Code, string? Words)? DeclarationFailure(string type) => _declarationFailures?.TryGetValue(type, out var failure) == true ? failure : null;

    /// <summary>Why an update by declaration cannot be installed on it; null: it can.</summary>
    public string? UpdateFailure { get; set; }

    /// <summary>Its user agrees to the update that is declared.</summary>
    public Task InstallDeclaredUpdateAsync() => Enrolled().Declared?.InstallUpdateAsync() ?? Task.CompletedTask;

    /// <summary>Reports what it is asked to: as once a day everything, or what changed.</summary>
    public Task ReportStatusAsync(bool full = true, CancellationToken cancellation = default) => Enrolled().Declared?.ReportAsync(full, cancellation) ?? Task.CompletedTask;

    /// <summary>Somebody sets a passcode, changes it, or turns it off (null).</summary>
    public void SetPasscode(string? passcode) => Passcode = passcode;

    /// <summary>Somebody turns an iPad on that was shut down.</summary>
    public void TurnOn()
    {
        if (PasscodeSet)
            Lock();
        else
            GoOnline();
    }

    /// <summary>Somebody deletes a managed app. It stays on the list of the managed ones.</summary>
    public void DeleteApp(string identifier)
    {
        lock (_lock)
        {
            if (State.Apps.Find(identifier) is { IsManaged: true } managed)
                managed.State = AppState.Deleted;
            else
                State.Apps.Remove(identifier);
        }
    }

    /// <summary>A managed app writes something for the server.</summary>
    public void GiveFeedback(string identifier, PlistDict feedback)
    {
        lock (_lock)
        {
            if (State.Apps.Find(identifier) is { IsManaged: true } app)
                app.Feedback = feedback;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync();
        End();
        if (_starting is { } starting)
            await starting.DisposeAsync();
        _turn.Dispose();
    }
}
