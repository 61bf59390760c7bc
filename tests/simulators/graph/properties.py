"""The properties of each type that is shown, from the schemas alone (subset: components.schemas)."""

from __future__ import annotations

_WORDS = {
    "user": """
        id deletedDateTime aboutMe accountEnabled ageGroup assignedLicenses assignedPlans authorizationInfo birthday
        businessPhones city companyName consentProvidedForMinor country createdDateTime creationType
        customSecurityAttributes department deviceEnrollmentLimit displayName employeeHireDate employeeId
        employeeLeaveDateTime employeeOrgData employeeType externalUserState externalUserStateChangeDateTime faxNumber
        givenName hireDate identities identityParentId imAddresses interests isManagementRestricted isResourceAccount
        jobTitle lastPasswordChangeDateTime legalAgeGroupClassification licenseAssignmentStates mail mailboxSettings
        mailNickname mobilePhone mySite officeLocation onPremisesDistinguishedName onPremisesDomainName
        onPremisesExtensionAttributes onPremisesImmutableId onPremisesLastSyncDateTime onPremisesProvisioningErrors
        onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName
        otherMails passwordPolicies passwordProfile pastProjects postalCode preferredDataLocation preferredLanguage
        preferredName print provisionedPlans proxyAddresses responsibilities schools securityIdentifier
        serviceProvisioningErrors showInAddressList signInActivity signInSessionsValidFromDateTime skills state
        streetAddress surname usageLocation userPrincipalName userType
    """,
    "group": """
        id deletedDateTime accessType allowExternalSenders assignedLabels assignedLicenses autoSubscribeNewMembers
        classification createdDateTime description displayName expirationDateTime groupTypes
        hasMembersWithLicenseErrors hideFromAddressLists hideFromOutlookClients infoCatalogs isArchived
        isAssignableToRole isFavorite isManagementRestricted isSubscribedByMail licenseProcessingState mail mailEnabled
        mailNickname membershipRule membershipRuleProcessingState onPremisesDomainName onPremisesExtensionAttributes
        onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesProvisioningErrors onPremisesSamAccountName
        onPremisesSecurityIdentifier onPremisesSyncEnabled organizationId preferredDataLocation preferredLanguage
        proxyAddresses renewedDateTime resourceBehaviorOptions resourceProvisioningOptions securityEnabled
        securityIdentifier serviceProvisioningErrors theme uniqueName unseenConversationsCount unseenCount
        unseenMessagesCount visibility welcomeMessageEnabled
    """,
    "organization": """
        id deletedDateTime assignedPlans businessPhones city country countryLetterCode createdDateTime
        defaultUsageLocation displayName marketingNotificationEmails mobileDeviceManagementAuthority
        onPremisesLastSyncDateTime onPremisesSyncEnabled partnerTenantType postalCode preferredLanguage privacyProfile
        provisionedPlans securityComplianceNotificationMails securityComplianceNotificationPhones state street
        technicalNotificationMails tenantType verifiedDomains
    """,
    "subscribedSku": """
        id accountId accountName appliesTo capabilityStatus consumedUnits prepaidUnits servicePlans skuId skuPartNumber
        subscriptionIds
    """,
    "licenseDetails": """
        id servicePlans skuId skuPartNumber
    """,
    "managedDevice": """
        id activationLockBypassCode androidSecurityPatchLevel azureADDeviceId azureADRegistered
        complianceGracePeriodExpirationDateTime complianceState configurationManagerClientEnabledFeatures
        deviceActionResults deviceCategoryDisplayName deviceEnrollmentType deviceHealthAttestationState deviceName
        deviceRegistrationState easActivated easActivationDateTime easDeviceId emailAddress enrolledDateTime
        enrollmentProfileName ethernetMacAddress exchangeAccessState exchangeAccessStateReason
        exchangeLastSuccessfulSyncDateTime freeStorageSpaceInBytes iccid imei isEncrypted isSupervised jailBroken
        lastSyncDateTime managedDeviceName managedDeviceOwnerType managementAgent managementCertificateExpirationDate
        managementState manufacturer meid model notes operatingSystem osVersion partnerReportedThreatState phoneNumber
        physicalMemoryInBytes remoteAssistanceSessionErrorDetails remoteAssistanceSessionUrl
        requireUserEnrollmentApproval serialNumber subscriberCarrier totalStorageSpaceInBytes udid userDisplayName
        userId userPrincipalName wiFiMacAddress
    """,
    "mailFolder": """
        id childFolderCount displayName isHidden parentFolderId totalItemCount unreadItemCount
        singleValueExtendedProperties
    """,
    "message": """
        id categories changeKey createdDateTime lastModifiedDateTime bccRecipients body bodyPreview ccRecipients
        conversationId conversationIndex flag from hasAttachments importance inferenceClassification
        internetMessageHeaders internetMessageId isDeliveryReceiptRequested isDraft isRead isReadReceiptRequested
        parentFolderId receivedDateTime replyTo sender sentDateTime subject toRecipients uniqueBody webLink attachments
        singleValueExtendedProperties
    """,
    "attachment": """
        id contentType isInline lastModifiedDateTime name size
    """,
    "fileAttachment": """
        id contentType isInline lastModifiedDateTime name size contentBytes contentId contentLocation
    """,
    "event": """
        id categories changeKey createdDateTime lastModifiedDateTime allowNewTimeProposals attendees body bodyPreview
        cancelledOccurrences end hasAttachments hideAttendees iCalUId importance isAllDay isCancelled isDraft
        isOnlineMeeting isOrganizer isReminderOn location locations onlineMeeting onlineMeetingProvider
        onlineMeetingUrl organizer originalEndTimeZone originalStart originalStartTimeZone recurrence
        reminderMinutesBeforeStart responseRequested responseStatus sensitivity seriesMasterId showAs start subject
        transactionId type webLink attachments singleValueExtendedProperties
    """,
    "calendar": """
        id allowedOnlineMeetingProviders canEdit canShare canViewPrivateItems changeKey color
        defaultOnlineMeetingProvider hexColor isDefaultCalendar isRemovable isTallyingResponses name owner
        singleValueExtendedProperties
    """,
    "contactFolder": """
        id displayName parentFolderId
    """,
    "contact": """
        id categories changeKey createdDateTime lastModifiedDateTime assistantName birthday businessAddress
        businessHomePage businessPhones children companyName department displayName emailAddresses fileAs generation
        givenName homeAddress homePhones imAddresses initials jobTitle manager middleName mobilePhone nickName
        officeLocation otherAddress parentFolderId personalNotes primaryEmailAddress profession secondaryEmailAddress
        spouseName surname tertiaryEmailAddress title yomiCompanyName yomiGivenName yomiSurname
        singleValueExtendedProperties
    """,
    "drive": """
        id createdBy createdDateTime description eTag lastModifiedBy lastModifiedDateTime name parentReference webUrl
        driveType owner quota sharePointIds system
    """,
    "driveItem": """
        id createdBy createdDateTime description eTag lastModifiedBy lastModifiedDateTime name parentReference webUrl
        audio bundle content cTag deleted file fileSystemInfo folder image location malware package pendingOperations
        photo publication remoteItem root searchResult shared sharepointIds size specialFolder video webDavUrl
    """,
    "driveItemVersion": """
        id lastModifiedBy lastModifiedDateTime publication content size
    """,
    "permission": """
        id expirationDateTime grantedTo grantedToIdentities grantedToIdentitiesV2 grantedToV2 hasPassword inheritedFrom
        invitation link roles shareId
    """,
    "site": """
        id createdBy createdDateTime description eTag lastModifiedBy lastModifiedDateTime name parentReference webUrl
        displayName error isPersonalSite root sharepointIds siteCollection
    """,
    "mailboxFolder": """
        id childFolderCount displayName parentFolderId totalItemCount type
    """,
    "mailboxItem": """
        id categories changeKey createdDateTime lastModifiedDateTime size type
    """,
    "exchangeSettings": """
        id primaryMailboxId
    """,
    # microsoft365.md: Departing employee; not in the subset
    "messageRule": """
        id actions conditions displayName exceptions hasError isEnabled isReadOnly sequence
    """,
    "calendarPermission": """
        id allowedRoles emailAddress isInsideOrganization isRemovable role
    """,
}
_USER = """
    businessPhones displayName givenName id jobTitle mail mobilePhone officeLocation preferredLanguage surname userPrincipalName
"""

PROPERTIES: dict[str, frozenset[str]] = {
    name: frozenset(text.split()) for name, text in _WORDS.items()
}

# The types of which only some properties are shown unless others are asked for (examples: user-list, message-get).
DEFAULTS: dict[str, frozenset[str]] = {
    "user": frozenset(_USER.split()),
    "message": PROPERTIES["message"]
    - {"internetMessageHeaders", "uniqueBody", "attachments", "singleValueExtendedProperties"},
    "event": PROPERTIES["event"]
    - {"cancelledOccurrences", "attachments", "singleValueExtendedProperties"},
    **{
        name: PROPERTIES[name] - {"singleValueExtendedProperties"}
        for name in ("mailFolder", "calendar", "contact", "contactFolder")
    },
}
