namespace FleetMdm.Protocol.Mdm;

/// <summary>What the sender of a message is.</summary>
public enum MdmSenderKind : byte
{
    /// <summary>The device channel of an iPad, known by its UDID.</summary>
    Device = 1,
    /// <summary>The device channel of a User Enrollment, known by its EnrollmentID: Apple does not tell the UDID.</summary>
    UserEnrollment = 2,
    /// <summary>A user channel: one user of a Shared iPad.</summary>
    SharedUser = 3,
}

/// <summary>
/// Who sent a message, by the keys that every message carries. A certificate must still prove it: the keys are the sender's own
/// words. See Apple's pages on <see href="https://developer.apple.com/documentation/devicemanagement/tokenupdaterequest">TokenUpdate</see>
/// and <see href="https://developer.apple.com/documentation/devicemanagement/commands-and-queries">command responses</see>.
/// </summary>
public sealed record MdmSender
{
    /// <summary>Of a user's id or name.</summary>
    public const int LongestId = 255;

    /// <summary>The UserID of every user of a Shared iPad: it says only that the user's real key is the UserShortName.</summary>
    public const string SharedIPadUserId = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF";

    private MdmSender()
    {
    }

    /// <summary>The key of the enrolment: UDID, or EnrollmentID, or <c>UDID:UserShortName</c>.</summary>
    public required string EnrolmentId { get; init; }

    public required MdmSenderKind Kind { get; init; }

    /// <summary>The key of the device channel; equal to <see cref="EnrolmentId"/> but for a user channel.</summary>
    public required string DeviceId { get; init; }

    public string? Udid { get; init; }
    public string? EnrollmentId { get; init; }
    public string? UserId { get; init; }
    public string? UserShortName { get; init; }
    public string? UserLongName { get; init; }

    /// <summary>
    /// Applies the rules of identity. An empty text counts as absent. With both UDID and EnrollmentID the UDID is the key. A
    /// UserID makes a user channel of a device with a UDID: for a Shared iPad by the UserShortName, otherwise by the UserID. A
    /// User Enrollment has no user channel on an iPad, so a UserID beside an EnrollmentID alone is refused.
    /// </summary>
    /// <exception cref="MdmFormatException"/>
    public static MdmSender From(string? udid, string? enrollmentId, string? userId = null, string? userShortName = null, string? userLongName = null)
    {
        udid = string.IsNullOrEmpty(udid) ? null : udid;
        enrollmentId = string.IsNullOrEmpty(enrollmentId) ? null : enrollmentId;
        userId = CheckUser("UserID", userId);
        userShortName = CheckUser("UserShortName", userShortName);
        userLongName = CheckUser("UserLongName", userLongName);
        var (udidKey, enrollmentKey) = (DeviceKey("UDID", udid), DeviceKey("EnrollmentID", enrollmentId));
        var deviceId = udidKey ?? enrollmentKey
            ?? throw new MdmFormatException(MdmReason.MissingKey, "UDID", "The message has neither UDID nor EnrollmentID: nobody knows whom it is from.");
        var userKey = UserKey(udid, userId, userShortName);
        return new MdmSender
        {
            EnrolmentId = userKey is null ? deviceId : Mdm.EnrolmentId.Join(deviceId, userKey),
            Kind = userKey is not null ? MdmSenderKind.SharedUser : udid is not null ? MdmSenderKind.Device : MdmSenderKind.UserEnrollment,
            DeviceId = deviceId,
            Udid = udid,
            EnrollmentId = enrollmentId,
            UserId = userId,
            UserShortName = userShortName,
            UserLongName = userLongName,
        };
    }

    private static string? UserKey(string? udid, string? userId, string? userShortName)
    {
        if (userId is null)
            return null;
        if (udid is null)
        {
            throw new MdmFormatException(MdmReason.InvalidValue, "UserID",
                "A UserID stands beside an EnrollmentID: a User Enrollment has no user channel on an iPad.");
        }

        var (field, name) = userId != SharedIPadUserId
            ? ("UserID", userId)
            : ("UserShortName", userShortName
                ?? throw new MdmFormatException(MdmReason.MissingKey, "UserShortName", "The message of a Shared iPad's user has no UserShortName."));
        return Mdm.EnrolmentId.User(name) ?? throw new MdmFormatException(MdmReason.InvalidValue, field,
            $"{field} must be 1 to {Mdm.EnrolmentId.LongestUser} printable characters.");
    }

    private static string? DeviceKey(string field, string? value) => value is null ? null : Mdm.EnrolmentId.Device(value)
        ?? throw new MdmFormatException(MdmReason.InvalidValue, field,
            $"{field} must be 1 to {Mdm.EnrolmentId.LongestDeviceId} of A-Z a-z 0-9 . _ - and not dots alone.");

    /// <summary>Whether it can be kept and shown; that it makes a key is another question.</summary>
    private static string? CheckUser(string field, string? value)
    {
        if (string.IsNullOrEmpty(value))
            return null;
        if (value.Length > LongestId)
            throw new MdmFormatException(MdmReason.InvalidValue, field, $"{field} is longer than {LongestId} characters.");
        foreach (var character in value)
        {
            if (char.IsControl(character))
                throw new MdmFormatException(MdmReason.InvalidValue, field, $"{field} holds a control character.");
        }

        return value;
    }
}
