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
    /// <summary>Of any identity, and of an enrolment id made of two.</summary>
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
        udid = CheckDeviceId("UDID", udid);
        enrollmentId = CheckDeviceId("EnrollmentID", enrollmentId);
        userId = CheckId("UserID", userId);
        userShortName = CheckId("UserShortName", userShortName);
        userLongName = CheckId("UserLongName", userLongName);
        var deviceId = udid ?? enrollmentId
            ?? throw new MdmFormatException(MdmReason.MissingKey, "UDID", "The message has neither UDID nor EnrollmentID: nobody knows whom it is from.");
        var userKey = UserKey(udid, userId, userShortName);
        if (userKey is not null && deviceId.Length + 1 + userKey.Length > LongestId)
        {
            throw new MdmFormatException(MdmReason.InvalidValue, "UserShortName",
                $"UDID and user together are longer than {LongestId} characters.");
        }

        return new MdmSender
        {
            EnrolmentId = userKey is null ? deviceId : $"{deviceId}:{userKey}",
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

        if (userId != SharedIPadUserId)
            return userId;
        return userShortName
            ?? throw new MdmFormatException(MdmReason.MissingKey, "UserShortName", "The message of a Shared iPad's user has no UserShortName.");
    }

    /// <summary>The colon separates device and user in an enrolment id, so it must not stand in the first part.</summary>
    private static string? CheckDeviceId(string field, string? value)
    {
        value = CheckId(field, value);
        if (value is not null && value.Contains(':'))
            throw new MdmFormatException(MdmReason.InvalidValue, field, $"{field} holds a colon.");
        return value;
    }

    private static string? CheckId(string field, string? value)
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
